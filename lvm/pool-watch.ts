import { setTimeout as sleep } from 'node:timers/promises'

import { messageOf } from '../core/errors.ts'
import type { Logger } from '../core/logger.ts'
import { inSteps } from '../core/thin-growth.ts'
import type { CommandRunner } from './command-runner.ts'
import type { OnGroupChange } from './group-watch.ts'
import { growPool } from './grow-pool.ts'
import type { KnownGroup, KnownGroups } from './known-groups.ts'
import type { Lanes } from './lanes.ts'
import type { Lvm } from './lvm.ts'
import { readPoolUse } from './pool-use.ts'
import { growthOf, isThinPool, type ThinPool } from './thin-pool.ts'
import type { ThinPoolUse } from './types.ts'

export interface PoolWatchTools {
  readonly groups: KnownGroups
  readonly lvm: Lvm
  /** One writer for each group. */
  readonly lanes: Lanes
  /** Runs programs where LVM runs. */
  readonly hostRunner: CommandRunner
  readonly log: Logger
  readonly pauseMs?: number
}

/** A pool that is full waits a minute for more space before writes fail, so there are several rounds in which to help. */
const PAUSE_MS = 5_000
/** What failed is tried again after so long. */
const RETRY_MS = 60_000

const stepOf = ({ dataPercent, metadataPercent, mode }: ThinPoolUse): string =>
  [dataPercent, metadataPercent].map(inSteps).join() + mode

class PoolWatch {
  readonly #tools: PoolWatchTools
  readonly #onChange: OnGroupChange
  /** What was told of each pool, by UUID. */
  #told = new Map<string, string>()
  readonly #retryAt = new Map<string, number>()

  constructor(tools: PoolWatchTools, onChange: OnGroupChange) {
    this.#tools = tools
    this.#onChange = onChange
  }

  /** Never fails. */
  async look(): Promise<void> {
    try {
      const { groups, hostRunner } = this.#tools
      const uuids = groups.all().map(({ uuid }) => uuid)
      const use = await readPoolUse(hostRunner, uuids)
      const told = this.#told
      this.#told = new Map(use.map((each) => [each.poolUuid, stepOf(each)]))
      for (const each of use) await this.#lookAt(each, told.get(each.poolUuid))
    } catch (error) {
      this.#tools.log.warn('Thin pools cannot be watched', { error: messageOf(error) })
    }
  }

  async #lookAt(use: ThinPoolUse, told: string | undefined): Promise<void> {
    for (const known of this.#tools.groups.all()) {
      const pool = known.last?.volumes
        .filter(isThinPool)
        .find(({ handle }) => handle.volumeUuid === use.poolUuid)
      if (pool === undefined) continue
      const hasGrown = await this.#help(known, pool, use)
      if (hasGrown || told !== stepOf(use)) this.#onChange(known.name, 'metadata')
    }
  }

  /** Makes a pool larger that is getting full, when its group has the space. */
  async #help(known: KnownGroup, pool: ThinPool, use: ThinPoolUse): Promise<boolean> {
    const { lanes, lvm, log } = this.#tools
    if (known.last === undefined || growthOf(known.last, pool, use) === undefined) return false
    if ((this.#retryAt.get(use.poolUuid) ?? 0) > performance.now()) return false
    try {
      return await lanes.run(known.name, async () => {
        const growth = growthOf(await known.fresh(), pool, use)
        if (growth === undefined) return false
        log.info('Enlarging thin pool', { group: known.name, pool: pool.name, ...use })
        await growPool({ lvm, known }, pool, growth)
        return true
      })
    } catch (error) {
      this.#retryAt.set(use.poolUuid, performance.now() + RETRY_MS)
      log.warn('Thin pool cannot be enlarged', {
        group: known.name,
        pool: pool.name,
        error: messageOf(error),
      })
      return false
    }
  }
}

/**
 * Makes thin pools larger before they are full, and tells when they get fuller or emptier. Nothing is run as long as no
 * pool is active. docs/decisions/0066-thin-pools.md has the evidence.
 */
export const watchPools = (tools: PoolWatchTools, onChange: OnGroupChange, signal?: AbortSignal): void => {
  const { pauseMs = PAUSE_MS } = tools
  const watch = new PoolWatch(tools, onChange)
  const goOn = async (): Promise<void> => {
    while (signal?.aborted !== true) {
      await watch.look()
      await sleep(pauseMs, undefined, { ref: false })
    }
  }
  void goOn()
}
