import { expect } from 'chai'
import fc from 'fast-check'

import { describeLayout, legsOf, type PlacedLayout } from '../../../core/layout.ts'
import {
  largestVolumeExtents,
  placeVolume,
  type FreeDisk,
  type Placement,
} from '../../../core/layout-size.ts'
import { freeDisksOf } from '../../../lvm/free-disks.ts'
import type { LogicalVolume, VolumeGroup } from '../../../lvm/types.ts'
import { dropLoop, makeLoop } from './arrange.ts'
import { ensure, handMadeLvm, requestFor, run, startNode, wipe, type Node } from './fixture.ts'

const NAME = 'loam-layouts'
const DISKS = 5
const DISK_MIB = 120
const stripeSizeBytes = 65536n

const LAYOUTS: readonly PlacedLayout[] = [
  { name: 'linear' },
  { name: 'striped', stripes: 2, stripeSizeBytes },
  { name: 'striped', stripes: 4, stripeSizeBytes },
  { name: 'raid1', mirrors: 1 },
  { name: 'raid1', mirrors: 2 },
  { name: 'raid5', stripes: 2, stripeSizeBytes },
  { name: 'raid6', stripes: 3, stripeSizeBytes },
  { name: 'raid10', stripes: 2, stripeSizeBytes },
]
const COUNT_OPTIONS: Readonly<Record<string, readonly string[]>> = {
  linear: [],
  striped: ['--stripes'],
  raid1: ['--mirrors'],
  raid5: ['--stripes'],
  raid6: ['--stripes'],
  raid10: ['--stripes'],
}

/** What a person would type for the layout. */
const handMadeOptions = (layout: PlacedLayout): string[] => {
  const count = 'mirrors' in layout ? layout.mirrors : 'stripes' in layout ? layout.stripes : 0
  return ['--type', layout.name, ...(COUNT_OPTIONS[layout.name] ?? []).flatMap((name) => [name, `${count}`])]
}

const operandOf = ({ path, run }: Placement): string =>
  run === undefined ? path : `${path}:${run.first}-${run.first + run.count - 1n}`

/** Extents of a disk that are in use, before and behind a hole. */
const occupiedDisk = fc.tuple(fc.nat(12), fc.nat(12)).map(([front, back]) => ({ front, back }))
const occupation = fc.array(occupiedDisk, { minLength: DISKS, maxLength: DISKS })
/** Each takes seconds in a VM; more of them with LOAM_TEST_RUNS. */
const RUNS = Number(process.env.LOAM_TEST_RUNS ?? 1)

describe('layouts', function () {
  this.timeout(600_000)
  let node: Node
  let loops: string[]

  const groupNow = async (): Promise<VolumeGroup> => {
    const { groups } = await node.volumes.inventory()
    const [group] = groups
    if (group === undefined) throw new Error('no group')
    return group
  }
  const create = async (layout: PlacedLayout, extents: bigint): Promise<LogicalVolume> => {
    const group = await groupNow()
    return node.volumes.createVolume({ ...requestFor(group, extents * group.extentSizeBytes), layout })
  }
  const removeAll = () => handMadeLvm('lvremove', '--force', '--yes', NAME)
  const failure = async (work: Promise<unknown>): Promise<string> =>
    work.then(
      () => '',
      (error: unknown) => String(error),
    )

  before(async () => {
    await run('modprobe', '-a', 'loop', 'dm-raid', 'raid1', 'raid10', 'raid456')
    loops = []
    for (let index = 0; index < DISKS; index += 1) loops.push(await makeLoop(`layout${index}`, DISK_MIB))
    node = await startNode()
    const { problem } = await ensure(node.volumes, loops, { name: NAME })
    expect(problem).to.equal(undefined)
  })
  after(async () => {
    await node.close()
    await wipe(...loops)
    for (const loop of loops) await dropLoop(loop)
  })

  for (const layout of LAYOUTS)
    it(`${describeLayout(layout)}: what is called the largest volume can be made, and no extent more`, async () => {
      await fc.assert(
        fc.asyncProperty(occupation, async (used) => {
          try {
            await occupy(used)
            await tryBothSides(layout, freeDisksOf(await groupNow()))
          } finally {
            await removeAll()
          }
        }),
        { numRuns: RUNS },
      )
    })

  const occupy = async (used: readonly { front: number; back: number }[]): Promise<void> => {
    const total = used.reduce((sum, { front, back }) => sum + front + back, 0)
    if (total === 0) return
    const runs = used.flatMap(({ front, back }, index) => [
      ...(front === 0 ? [] : [`${loops[index] ?? ''}:0-${front - 1}`]),
      ...(back === 0 ? [] : [`${loops[index] ?? ''}:13-${12 + back}`]),
    ])
    const options = ['-an', '-Zn', '-Wn', '--extents', `${total}`, '--name', 'used']
    await handMadeLvm('lvcreate', ...options, NAME, ...runs)
  }

  /** One stripe more is refused by Loam, and by LVM itself in the same places. */
  const tryBothSides = async (layout: PlacedLayout, free: readonly FreeDisk[]): Promise<void> => {
    const step = BigInt(legsOf(layout)?.dataLegs ?? 1)
    const largest = largestVolumeExtents(layout, free)
    const places = (placeVolume(layout, largest, free) ?? []).map(operandOf)
    const more = (largest + step).toString()
    expect(await failure(create(layout, largest + step))).to.match(/NoSpace/)
    const byHand = ['-an', '-Zn', '-Wn', '--extents', more, '--name', 'more', ...handMadeOptions(layout)]
    expect(await failure(handMadeLvm('lvcreate', ...byHand, NAME, ...places))).to.match(/nsufficient/)
    if (largest === 0n) return
    const { extentSizeBytes } = await groupNow()
    const volume = await create(layout, largest)
    expect(volume).to.include({ sizeBytes: largest * extentSizeBytes, segmentType: layout.name })
  }
})
