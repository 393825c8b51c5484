import { join } from 'node:path'

import type { Logger } from '../core/logger.ts'
import type { VolumeHandle } from '../core/naming.ts'
import { deactivate } from './activation.ts'
import { ActiveVolumes } from './active-volumes.ts'
import { withPrefix, type CommandRunner } from './command-runner.ts'
import { createVolume } from './create-volume.ts'
import { createVolumes, type Made } from './create-volumes.ts'
import { Creations } from './creations.ts'
import { findMappedVolume } from './device-mapper.ts'
import { DiskPresence } from './disk-presence.ts'
import { DiskStates } from './disk-state.ts'
import { ensureGroup } from './ensure-group.ts'
import { DiskErasures } from './erase-disk.ts'
import { USUAL_PACE, type ErasePace } from './erase.ts'
import { NotFound } from './errors.ts'
import { extendVolume } from './extend-volume.ts'
import { growFileSystem } from './grow-file-system.ts'
import { watchGroups, type OnGroupChange } from './group-watch.ts'
import { KnownGroups, requireVolume } from './known-groups.ts'
import { LabelReports } from './label-reports.ts'
import { Lanes } from './lanes.ts'
import { HOST_PREFIX, writeLvmConfig, type LvmLocation } from './lvm-config.ts'
import { probeLvm } from './lvm-probe.ts'
import { createLvm, type LvmDeadlines } from './lvm.ts'
import type { NodeLock } from './node-lock.ts'
import { takeInventory } from './inventory.ts'
import { MetadataCopies } from './metadata-copies.ts'
import { watchPools } from './pool-watch.ts'
import { prepareVolume } from './prepare-volume.ts'
import { removeVolume } from './remove-volume.ts'
import { StuckWork } from './stuck-work.ts'
import { ThinCheck } from './thin-check.ts'
import { blankNewVolume } from './unerased-space.ts'
import type { CreateVolumeRequest, LogicalVolume, NodeVolumes } from './types.ts'

export interface NodeVolumesDependencies {
  /** Runs programs where this process runs; those of LVM on the host go through `nsenter`. */
  readonly runner: CommandRunner
  /** Proof that no other agent changes LVM on this node. */
  readonly lock: NodeLock
  /** Holds our lvm.conf. With `location` host it must have the same path there: a hostPath below /run. */
  readonly systemDirectory: string
  readonly location: LvmLocation
  readonly log: Logger
  /** Where copies of the groups' metadata are kept; none are when absent. */
  readonly metadataDirectory?: string
  /** How long LVM, and the look at one disk, are waited for, in milliseconds; the usual ones when absent. */
  readonly deadlines?: LvmDeadlines & { readonly look: number }
  /** The usual one when absent. */
  readonly erasePace?: ErasePace
  /** Called with a group's name when work on it got stuck, and when that work ended at last. */
  readonly onStuckChange?: (groupName: string) => void
  /**
   * Called with a group's name soon after its metadata changed, or one of its disks came or went; also for changes of
   * our own. Without it nothing is watched.
   */
  readonly onGroupChange?: OnGroupChange
  /** Ends the watching. */
  readonly signal?: AbortSignal
}

/** A volume that a complete group does not contain is an answer for some callers. */
const unlessNotFound = async <T>(work: () => Promise<T>): Promise<T | undefined> => {
  try {
    return await work()
  } catch (error) {
    if (error instanceof NotFound) return undefined
    throw error
  }
}

/**
 * LVM of this node, ready to use.
 *
 * @throws Refused when LVM is too old, does not read our configuration, or does not share the host's locks.
 */
export const createNodeVolumes = async ({
  runner,
  systemDirectory,
  location,
  log,
  metadataDirectory,
  deadlines,
  erasePace = USUAL_PACE,
  onStuckChange,
  onGroupChange,
  signal,
}: NodeVolumesDependencies): Promise<NodeVolumes> => {
  const lvmRunner = location === 'host' ? withPrefix(runner, HOST_PREFIX) : runner
  const lvm = createLvm(lvmRunner, systemDirectory, deadlines)
  await writeLvmConfig(systemDirectory, location)
  const version = await probeLvm(lvm, { systemDirectory, location })
  log.info('LVM is ready', { version, location })

  const groups = new KnownGroups()
  const stuck = new StuckWork('volume group', onStuckChange)
  const stuckDisks = new StuckWork('disk')
  const scratchDirectory = join(systemDirectory, 'metadata')
  const copies =
    metadataDirectory === undefined
      ? undefined
      : new MetadataCopies({ lvm, stuck, log, scratchDirectory, directory: metadataDirectory })
  const noteChanges = (): void => copies?.noteChanges(groups.all())
  const writers = new Lanes(stuck, noteChanges)
  const creations = new Creations()
  const thinCheck = new ThinCheck(lvmRunner)
  await thinCheck.look()
  const disks = new DiskStates()
  const groupTools = {
    ...{ runner, lvm, groups, disks, active: new ActiveVolumes() },
    labels: new LabelReports({ lvm, stuckDisks, disks }),
    ...{ stuck, stuckDisks, log, erasures: new DiskErasures(runner, log) },
    ...(deadlines === undefined ? {} : { lookDeadlineMs: deadlines.look }),
  }
  const volumes = new Lanes(new StuckWork('logical volume'))
  const listed = new DiskPresence()
  if (onGroupChange !== undefined) {
    watchGroups({ groups, disks, listed, isBusy: (name) => writers.isBusy(name), log }, onGroupChange, signal)
    watchPools({ groups, lvm, lanes: writers, hostRunner: lvmRunner, log }, onGroupChange, signal)
  }

  const toolsFor = (handle: VolumeHandle) => ({
    runner,
    lvm,
    log,
    pace: erasePace,
    lanes: writers,
    known: groups.byUuid(handle.groupUuid),
  })
  const find = async (handle: VolumeHandle): Promise<LogicalVolume> =>
    requireVolume(await groups.byUuid(handle.groupUuid).fresh(), handle.volumeUuid)

  const createTools = ({ groupUuid }: CreateVolumeRequest) => ({
    lvm,
    known: groups.byUuid(groupUuid),
    hostRunner: lvmRunner,
    thinCheck,
  })
  const blank = async ({ volume, justMade }: Made): Promise<LogicalVolume> => {
    const known = groups.byUuid(volume.handle.groupUuid)
    await volumes.run(volume.handle.volumeUuid, async () =>
      blankNewVolume(toolsFor(volume.handle), known.last ?? (await known.fresh()), volume, justMade),
    )
    return volume
  }

  return {
    inventory: () =>
      takeInventory({ known: groups, stuck, hostRunner: lvmRunner, creations, thinCheck }).finally(
        noteChanges,
      ),

    ensureGroup: async (request) => {
      await listed.note(request)
      // it may have been installed meanwhile
      if (thinCheck.fault !== undefined) await thinCheck.look()
      return await writers.run(request.name, () => ensureGroup(groupTools, request))
    },

    forgetGroup: (name) => {
      groups.forget(name)
      listed.forget(name)
    },

    createVolume: async (request) =>
      blank(
        await creations.during([request], () =>
          writers.run(request.groupName, () => createVolume(createTools(request), request)),
        ),
      ),

    createVolumes: async (requests) => {
      const many = { lanes: writers, stuck, toolsFor: createTools }
      const made = await creations.during(requests, () => createVolumes(many, requests))
      return Promise.all(made.map(blank))
    },

    findVolume: ({ groupUuid, volumeUuid }) =>
      unlessNotFound(async () => requireVolume(await groups.byUuid(groupUuid).glance(), volumeUuid)),

    prepareVolume: (handle, content) =>
      volumes.run(handle.volumeUuid, () => prepareVolume(toolsFor(handle), handle.volumeUuid, content)),

    extendVolume: (request) => {
      const known = groups.byUuid(request.handle.groupUuid)
      return volumes.run(request.handle.volumeUuid, () =>
        writers.run(known.name, () => extendVolume({ lvm, known, hostRunner: lvmRunner }, request)),
      )
    },

    growFileSystem: (handle, fileSystem) =>
      volumes.run(handle.volumeUuid, () => growFileSystem(runner, handle, fileSystem)),

    releaseVolume: (handle) =>
      volumes.run(handle.volumeUuid, async () => {
        // the kernel knows whether it is active, even while LVM cannot see the group
        if ((await findMappedVolume(handle)) === undefined) return
        await deactivate(toolsFor(handle), await find(handle))
      }),

    removeVolume: (handle, expected) =>
      volumes.run(handle.volumeUuid, () => removeVolume(toolsFor(handle), handle.volumeUuid, expected)),
  }
}
