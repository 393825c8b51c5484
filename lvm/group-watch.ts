import { setTimeout as sleep } from 'node:timers/promises'

import { messageOf } from '../core/errors.ts'
import type { Logger } from '../core/logger.ts'
import type { DiskPresence } from './disk-presence.ts'
import type { DiskStates } from './disk-state.ts'
import type { KnownGroup, KnownGroups } from './known-groups.ts'
import { LockEvents } from './lock-events.ts'
import type { GroupReport } from './report.ts'
import { SharedRead } from './shared-read.ts'

/** `disks`: one came or went, or the group has others than before; they are to be looked at. */
export type GroupChange = 'metadata' | 'disks'

export type OnGroupChange = (groupName: string, change: GroupChange) => void

export interface WatchTools {
  readonly groups: KnownGroups
  readonly disks: DiskStates
  readonly listed: DiskPresence
  /** Whether we ourselves are changing the group of that name now. */
  readonly isBusy: (groupName: string) => boolean
  readonly log: Logger
  /** How long to wait between rounds; the usual one when absent. */
  readonly pauseMs?: () => number
}

/** What a look at the disks would find changed. */
const membersOf = ({ group }: GroupReport): string =>
  JSON.stringify([
    group.name,
    group.physicalVolumes.map(({ uuid, missing, allocatable, tags, sizeBytes }) => [
      ...[uuid, missing, allocatable, tags],
      sizeBytes.toString(),
    ]),
  ])

/** Compares what the disks of a group show with what they showed before. */
class GroupLook {
  readonly #group: KnownGroup
  readonly #tools: WatchTools
  readonly #onChange: OnGroupChange
  #seen: string | undefined
  #members: string | undefined

  constructor(group: KnownGroup, tools: WatchTools, onChange: OnGroupChange) {
    this.#group = group
    this.#tools = tools
    this.#onChange = onChange
  }

  async look(): Promise<void> {
    const { name, devices } = this.#group
    // a change of our own is looked at when it is made
    if (this.#tools.isBusy(name)) return
    const now = JSON.stringify(await this.#tools.disks.of(devices))
    if (now === this.#seen) return
    this.#seen = now
    this.#tools.log.debug('Metadata of volume group changed', { group: name })
    // told before it is read: whoever is told asks for the same report
    this.#onChange(name, 'metadata')
    if (await this.#hasOtherMembers()) this.#onChange(name, 'disks')
  }

  async #hasOtherMembers(): Promise<boolean> {
    const before = this.#members
    try {
      this.#members = membersOf(await this.#group.fresh())
    } catch {
      // whoever was told meets the same error, and shows it
      return false
    }
    return before !== undefined && before !== this.#members
  }
}

/** Each agent, and each round, at its own moment; with the look itself it stays below a second. */
const usualPauseMs = (): number => 600 + Math.random() * 300

/** Looks at all groups, each for itself: one whose disks do not answer keeps no other waiting. */
class GroupWatch {
  readonly #tools: WatchTools
  readonly #onChange: OnGroupChange
  readonly #looks = new Map<KnownGroup, SharedRead<void>>()

  constructor(tools: WatchTools, onChange: OnGroupChange) {
    this.#tools = tools
    this.#onChange = onChange
  }

  lookAt(group: KnownGroup): void {
    const look = this.#looks.get(group) ?? this.#lookOf(group)
    this.#looks.set(group, look)
    look.fresh().catch((error: unknown) => {
      this.#tools.log.warn('Volume group cannot be watched', { group: group.name, error: messageOf(error) })
    })
  }

  /** Never fails. Returns without waiting for any disk. */
  async lookAtAll(): Promise<void> {
    const { groups, listed, log } = this.#tools
    const known = groups.all()
    for (const group of this.#looks.keys()) if (!known.includes(group)) this.#looks.delete(group)
    for (const group of known) this.lookAt(group)
    try {
      for (const name of await listed.changed()) this.#onChange(name, 'disks')
    } catch (error) {
      log.warn('Listed disks cannot be watched', { error: messageOf(error) })
    }
  }

  #lookOf(group: KnownGroup): SharedRead<void> {
    const look = new GroupLook(group, this.#tools, this.#onChange)
    return new SharedRead(() => look.look())
  }
}

/**
 * Tells of changes to known groups by anybody, and of listed disks that come and go. An LVM command of the host is
 * noticed when it lets go of the group's lock; because that can be missed, all headers are read about once a second.
 * Nothing is run as long as nothing changes. docs/decisions/0061-watching-groups.md has the evidence.
 */
export const watchGroups = (tools: WatchTools, onChange: OnGroupChange, signal?: AbortSignal): void => {
  const { pauseMs = usualPauseMs } = tools
  const groups = new GroupWatch(tools, onChange)
  const locks = new LockEvents((name) => {
    const group = tools.groups.byName(name)
    if (group !== undefined) groups.lookAt(group)
  })
  const goOn = async (): Promise<void> => {
    while (signal?.aborted !== true) {
      locks.open()
      await groups.lookAtAll()
      await sleep(pauseMs(), undefined, { ref: false })
    }
    locks.close()
  }
  void goOn()
}
