import { randomUUID } from 'node:crypto'
import { readdir, readFile, realpath } from 'node:fs/promises'
import { basename } from 'node:path'

import { execa } from 'execa'

import { silentLogger } from '../../../core/logger.ts'
import type { VolumeRecord } from '../../../core/volume-tags.ts'
import { createCommandRunner, type Command, type CommandRunner } from '../../../lvm/command-runner.ts'
import { NodeLock } from '../../../lvm/node-lock.ts'
import { createNodeVolumes, type NodeVolumesDependencies } from '../../../lvm/node-volumes.ts'
import { withResidentLvm } from '../../../lvm/resident-lvm.ts'
import { USUAL_HABITS } from '../../../lvm/shell-keeper.ts'
import type {
  CreateVolumeRequest,
  EnsureGroupRequest,
  EnsureGroupResult,
  NodeVolumes,
  VolumeGroup,
} from '../../../lvm/types.ts'
import { eventually } from '../../support/eventually.ts'

export const CLUSTER = '11111111-2222-3333-4444-555555555555'
export const GROUP = 'loam-test'
export const MIB = 1024n * 1024n
export const SYSTEM_DIRECTORY = '/run/loam-test/lvm'
const LOCK = '/run/loam-test/agent.lock'

/** Runs a program, and fails when it fails. Gives its output. */
export const run = async (file: string, ...args: string[]): Promise<string> =>
  (await execa(file, args, { stdin: 'ignore' })).stdout

/**
 * Waits until udevd has done what it was told. Seldom, and under load, udevd (252) hangs up before
 * udevadm has said all that it has to say; that then ends with "Broken pipe", without having waited.
 */
export const settle = async (): Promise<void> => {
  await run('udevadm', 'settle').catch(() => run('udevadm', 'settle'))
}

const DISKS = 2
/** mkfs.xfs wants 300 MiB for a volume. */
const DISK_MIB = 360

const BY_ID = '/dev/disk/by-id'
/** Links to the disks, in the order of their hosts: a pulled disk keeps its place. */
const attached: string[] = []

const isScsiDebug = async (link: string): Promise<boolean> => {
  const name = basename(await realpath(link))
  return (await readFile(`/sys/block/${name}/device/model`, 'utf8')).trim() === 'scsi_debug'
}

const linksOfScsiDebug = async (): Promise<readonly string[]> => {
  const names = (await readdir(BY_ID)).filter((name) => name.startsWith('wwn-') && !name.includes('-part'))
  const found: string[] = []
  for (const name of names.sort()) {
    const link = `${BY_ID}/${name}`
    if (await isScsiDebug(link).catch(() => false)) found.push(link)
  }
  return found
}

/**
 * Gives this process two SCSI disks of the kernel's own scsi_debug: in memory, so that they are blank again in no
 * time, with WWN and links, and they can be pulled and plugged. Call it in a `before`.
 */
export const attachDisks = async (sizeMib = DISK_MIB): Promise<void> => {
  // without delay=0 each request takes a tick of the clock, 10 ms, which was a third of the time of these tests
  const options = [
    ...[`dev_size_mb=${sizeMib}`, `add_host=${DISKS}`, 'per_host_store=1'],
    ...['lbpu=1', 'lbprz=1', 'delay=0'],
  ]
  await run('modprobe', 'scsi_debug', ...options)
  // the kernel finds disks after modprobe has returned
  const links = await eventually(`scsi_debug gives ${DISKS} disks`, async () => {
    await settle()
    const found = await linksOfScsiDebug()
    return found.length === DISKS && found
  })
  attached.push(...links)
}

export const detachDisks = async (): Promise<void> => {
  attached.length = 0
  await run('modprobe', '--remove', 'scsi_debug')
}

/** The disk with this place, by its /dev/disk/by-id link. */
export const disk = (index: 0 | 1): string => {
  const link = attached[index]
  if (link === undefined) throw new Error('call attachDisks first')
  return link
}

/** LVM as a person would use it on the node, seeing these disks (or all). */
export const handMadeLvm = (command: string, ...args: string[]): Promise<string> =>
  run(
    'lvm',
    command,
    '--config',
    'devices{hints="none" use_devicesfile=0} backup{backup=0 archive=0}',
    ...args,
  )

/** Of the whole disk, by the tool: in a VM a hash in JavaScript takes ten times as long. */
export const sha256 = async (path: string): Promise<string> =>
  (await run('sha256sum', path)).split(' ')[0] ?? ''

/**
 * Runs programs as the agent does: one for the process, with a shell of lvm that outlives single tests, and that is
 * started again however often a test has killed it.
 */
export const usualRunner: CommandRunner = withResidentLvm(createCommandRunner({ log: silentLogger }), {
  log: silentLogger,
  habits: { ...USUAL_HABITS, mostFaults: Infinity },
})

/** A runner that also keeps what it ran, so that tests can count. */
export const recordingRunner = (inner = usualRunner): CommandRunner & { readonly commands: Command[] } => {
  const commands: Command[] = []
  return {
    commands,
    run: (command) => {
      commands.push(command)
      return inner.run(command)
    },
  }
}

/** LVM sub-command of a recorded command, or undefined for other programs. */
export const lvmSubcommand = ({ file, args }: Command): string | undefined => {
  const line = [file, ...args]
  const at = line.indexOf('lvm')
  return at < 0 ? undefined : line[at + 1]
}

export interface Node {
  readonly volumes: NodeVolumes
  close(): Promise<void>
}

/** The room under test, as the agent makes it on a node with LVM on the host. */
export const startNode = async (
  runner: CommandRunner = usualRunner,
  other: Partial<NodeVolumesDependencies> = {},
): Promise<Node> => {
  const lock = await NodeLock.take(runner, LOCK)
  try {
    const volumes = await createNodeVolumes({
      runner,
      lock,
      systemDirectory: SYSTEM_DIRECTORY,
      location: 'host',
      log: silentLogger,
      ...other,
    })
    return { volumes, close: () => lock.release() }
  } catch (error) {
    await lock.release()
    throw error
  }
}

export const ensure = (
  volumes: NodeVolumes,
  disks: readonly string[],
  other: Partial<EnsureGroupRequest> = {},
): Promise<EnsureGroupResult> =>
  volumes.ensureGroup({
    name: GROUP,
    clusterId: CLUSTER,
    disks: disks.map((path) => ({ path })),
    ...other,
  })

/** The group on these disks, which must come out well. */
export const groupOn = async (volumes: NodeVolumes, ...disks: string[]): Promise<VolumeGroup> => {
  const { group, problem } = await ensure(volumes, disks)
  if (group === undefined || problem !== undefined) throw new Error(problem?.message ?? 'no group')
  return group
}

const recordFor = (claimUid: string, other: Partial<VolumeRecord> = {}): VolumeRecord => ({
  state: 'new',
  clusterId: CLUSTER,
  claimUid,
  claimNamespace: 'default',
  claimName: 'data',
  storageClassName: 'fast',
  erase: 'zero',
  content: 'ext4',
  ...other,
})

export const requestFor = (
  group: Pick<VolumeGroup, 'name' | 'uuid'>,
  sizeBytes: bigint,
  other: Partial<VolumeRecord> = {},
): CreateVolumeRequest => {
  const claimUid = other.claimUid ?? randomUUID()
  return {
    groupName: group.name,
    groupUuid: group.uuid,
    name: `pvc-${claimUid}`,
    sizeBytes,
    layout: { name: 'linear' },
    record: recordFor(claimUid, other),
  }
}

/** Tests run in the root of the sources. */
const cleanUp = async (...args: string[]): Promise<void> => {
  await run('bash', 'test/node/lvm/clean-up.sh', ...args)
}

/** Makes disks blank again, whatever a test put on them. */
export const wipe = (...disks: string[]): Promise<void> => cleanUp('wipe', ...disks)

/**
 * Removes all volumes of the group, and leaves its space blank: a second instead of the ten that a new group takes.
 */
export const emptyGroup = (name = GROUP): Promise<void> => cleanUp('empty', name)
