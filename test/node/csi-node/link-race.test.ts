import { readFile, mkdir, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'

import { expect } from 'chai'
import { execa } from 'execa'

import { readMounts } from '../../../csi-node/mount-table.ts'
import { isWholeSet } from '../../faults/extent.ts'
import { CsiFixture, failureOf, KUBELET_DIRECTORY, type TestVolume } from './csi-fixture.ts'
import { Decoy, type SwapSite } from './decoy.ts'

/** The short set stays under a minute in a VM. */
const ROUNDS = isWholeSet ? 200 : 2
/** Pods of each round: they cost no LVM command. */
const PODS = 12
const POD = 'pod'

/** Answers to a link, to a name that leads elsewhere by now, and to what either makes the calls after it meet. */
const REFUSALS = ['INVALID_ARGUMENT', 'FAILED_PRECONDITION', 'INTERNAL', 'ALREADY_EXISTS']

/** How often each call ended in which way. */
class Outcomes {
  readonly counts = new Map<string, number>()

  async of(call: string, made: Promise<unknown>): Promise<void> {
    const ended = await made.then(
      () => undefined,
      () => failureOf(made),
    )
    if (ended !== undefined) {
      expect(REFUSALS, ended.details).to.include(ended.code)
      // the field, path or volume that it is about, and not what a program or the system called it
      expect(ended.details).to.match(/^(\w+|"\/run\/loam-test\/kubelet\/[^"]*"|(logical )?volume [^:]+): ./)
    }
    const key = `${call} ${ended?.code ?? 'OK'}`
    this.counts.set(key, (this.counts.get(key) ?? 0) + 1)
  }

  number(pattern: RegExp): number {
    const counts = [...this.counts].filter(([key]) => pattern.test(key))
    return counts.reduce((sum, [, count]) => sum + count, 0)
  }
}

const startSwapper = (sites: readonly SwapSite[]) =>
  execa(process.execPath, [join(import.meta.dirname, 'link-swapper.ts'), JSON.stringify(sites)], {
    stdin: 'pipe',
  })

/** Swaps links while the work is done. Gives how often it did. */
const whileSwapping = async (sites: readonly SwapSite[], work: () => Promise<void>): Promise<number> => {
  const swapper = startSwapper(sites)
  try {
    await work()
  } finally {
    swapper.stdin.end()
    await swapper
  }
  return Number((await swapper).stdout)
}

const bothHaveWon = (outcomes: Outcomes): boolean =>
  outcomes.number(/^publish OK/) > 0 && outcomes.number(/^publish (INV|FAIL|INT)/) > 0

describe('links that somebody swaps in while kubelet calls', function () {
  this.timeout(isWholeSet ? 3_600_000 : 180_000)
  const decoy = new Decoy()
  let fixture: CsiFixture
  before(async () => {
    fixture = await CsiFixture.start()
  })
  afterEach(async () => {
    await decoy.remove()
    await fixture.clearAll()
  })
  after(() => fixture.stop())

  const pathsOf = (volume: TestVolume): { target: string; directories: readonly string[] } => {
    const target = volume.target(POD)
    return { target, directories: [target, dirname(target), join(target, '../../../..')] }
  }

  const prepare = async (volume: TestVolume, kind: 'directory' | 'file'): Promise<SwapSite[]> => {
    const { target, directories } = pathsOf(volume)
    const stagings = kind === 'directory' ? [volume.staging, dirname(volume.staging)] : []
    await volume.stage()
    await mkdir(dirname(target), { recursive: true })
    return await Promise.all([
      ...directories.map((directory) => decoy.site(directory, target, kind)),
      ...stagings.map((directory) => decoy.site(directory, volume.staging, kind)),
    ])
  }

  const callAll = async (volume: TestVolume, outcomes: Outcomes): Promise<void> => {
    const { target } = pathsOf(volume)
    const decoyMounts = await decoy.mounts()
    const call = async (name: string, made: Promise<unknown>): Promise<void> => {
      await outcomes.of(name, made)
      expect(await decoy.mounts(), `after ${name}`).to.deep.equal(decoyMounts)
    }
    // it is a race: on until either has won at times, which the first rounds may miss
    for (let round = 0; round < ROUNDS || !bothHaveWon(outcomes); round++) {
      await call('stage', volume.stageAt(volume.staging))
      for (let pod = 0; pod < PODS; pod++) {
        await call('publish', volume.publishAt(target, { readonly: pod % 3 === 0 }))
        await call('unpublish', volume.unpublishAt(target))
      }
      await call('unstage', volume.unstage())
    }
  }

  const requireNothingLeft = async (volume: TestVolume): Promise<void> => {
    await volume.unpublish(POD)
    await volume.unstage()
    const left = (await readMounts()).filter(({ mountPoint }) => mountPoint.startsWith(KUBELET_DIRECTORY))
    expect(left.map(({ mountPoint }) => mountPoint)).to.deep.equal([])
    expect(await fixture.isActive(volume)).to.equal(false)
  }

  /** Calls while links are swapped, and then what has come of it. */
  const race = async (volume: TestVolume, sites: readonly SwapSite[]): Promise<void> => {
    const before = await decoy.files()
    const outcomes = new Outcomes()
    const swaps = await whileSwapping(sites, () => callAll(volume, outcomes))
    console.log(`      ${swaps} swaps; ${[...outcomes.counts].map((pair) => pair.join(': ')).join(', ')}`)
    expect(await decoy.files()).to.equal(before)
    expect(fixture.unexpectedErrors()).to.deep.equal([])
    await requireNothingLeft(volume)
    expect(swaps).to.be.greaterThan(ROUNDS * PODS)
  }

  it('lead nothing astray and leave nothing mounted: a file system', async () => {
    const volume = await fixture.volume('ext4')
    const sites = await prepare(volume, 'directory')
    const data = join(volume.staging, 'data')
    await writeFile(data, 'precious', { flush: true })
    await race(volume, sites)
    await volume.stage()
    expect(await readFile(data, 'utf8')).to.equal('precious')
  })

  it('lead nothing astray and leave nothing mounted: a block device', async () => {
    const volume = await fixture.volume('block')
    await race(volume, await prepare(volume, 'file'))
  })
})
