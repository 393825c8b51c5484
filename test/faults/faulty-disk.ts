import { execaSync } from 'execa'
import { readFileSync, realpathSync } from 'node:fs'
import { basename } from 'node:path'

import { run, settle } from '../node/lvm/fixture.ts'

/** What a disk does wrong, from one moment to the next. */
export type Fault =
  | { readonly kind: 'none' }
  /** Writes are reported as done, and are not. */
  | { readonly kind: 'drops writes' }
  /** Writes fail, reads do not. */
  | { readonly kind: 'fails writes' }
  /** All that touches these sectors fails. */
  | { readonly kind: 'bad sectors'; readonly first: number; readonly count: number }

const flakey = (disk: string, sectors: number, feature: string): string =>
  // up for no second, down for one, and so on: always down
  `0 ${sectors} flakey ${disk} 0 0 1 1 ${feature}`

const tableFor = (disk: string, sectors: number, fault: Fault): string => {
  switch (fault.kind) {
    case 'none':
      return `0 ${sectors} linear ${disk} 0`
    case 'drops writes':
      return flakey(disk, sectors, 'drop_writes')
    case 'fails writes':
      return flakey(disk, sectors, 'error_writes')
    case 'bad sectors': {
      const end = fault.first + fault.count
      return [
        `0 ${fault.first} linear ${disk} 0`,
        `${fault.first} ${fault.count} error`,
        `${end} ${sectors - end} linear ${disk} ${end}`,
      ].join('\n')
    }
  }
}

/**
 * A disk whose behaviour is set while it is in use: a device-mapper device over a real one. Setting it does not wait
 * for anything, so that it can be done at a failpoint.
 */
export class FaultyDisk {
  readonly path: string
  readonly #name: string
  readonly #below: string
  readonly #sectors: number

  private constructor(name: string, below: string, sectors: number) {
    this.#name = name
    this.#below = below
    this.#sectors = sectors
    this.path = `/dev/mapper/${name}`
  }

  static async over(below: string, name: string): Promise<FaultyDisk> {
    const sectors = Number(await run('blockdev', '--getsz', below))
    const disk = new FaultyDisk(name, below, sectors)
    const table = tableFor(below, sectors, { kind: 'none' })
    await run('dmsetup', 'create', name, '--uuid', name, '--table', table)
    await settle()
    return disk
  }

  set(fault: Fault): void {
    const table = tableFor(this.#below, this.#sectors, fault)
    execaSync('dmsetup', ['reload', this.#name, '--table', table])
    execaSync('dmsetup', ['resume', '--noflush', this.#name])
  }

  /** Flushes that the kernel has sent to the real disk below so far (Documentation/block/stat.rst). */
  flushes(): number {
    const stat = readFileSync(`/sys/block/${basename(realpathSync(this.#below))}/stat`, 'utf8')
    return Number(stat.trim().split(/\s+/)[15])
  }

  async remove(): Promise<void> {
    await run('dmsetup', 'remove', '--retry', this.#name)
  }
}
