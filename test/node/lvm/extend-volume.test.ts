import { open } from 'node:fs/promises'

import { expect } from 'chai'

import { describeLayout, legsOf, type Layout } from '../../../core/layout.ts'
import { findMappedVolume, mappedBytes } from '../../../lvm/device-mapper.ts'
import { NoSpace } from '../../../lvm/errors.ts'
import { freeDisksOf } from '../../../lvm/free-disks.ts'
import { confirmLegsApart, isRaid, parseLegs } from '../../../lvm/raid-legs.ts'
import { legsCommand } from '../../../lvm/lvm-command.ts'
import type { LogicalVolume, VolumeGroup } from '../../../lvm/types.ts'
import { thrownBy } from '../../unit/csi-node/thrown-by.ts'
import { dropLoop, makeLoop, writeAt } from './arrange.ts'
import {
  emptyGroup,
  ensure,
  handMadeLvm,
  lvmSubcommand,
  MIB,
  recordingRunner,
  requestFor,
  run,
  startNode,
  wipe,
  type Node,
} from './fixture.ts'

const NAME = 'loam-extend'
const DISKS = 5
const DISK_MIB = 120
const EXTENT = 4n * MIB
const stripeSizeBytes = 65536n
const BLOCK = { kind: 'block' } as const

const LAYOUTS: readonly Layout[] = [
  { name: 'raid5', stripes: 2, stripeSizeBytes },
  { name: 'raid1', mirrors: 1 },
  { name: 'linear' },
  { name: 'striped', stripes: 3, stripeSizeBytes },
  { name: 'raid6', stripes: 3, stripeSizeBytes },
  { name: 'raid10', stripes: 2, stripeSizeBytes },
  { name: 'thin', pool: 'thinpool', overprovisionPermille: 1500n },
]

const MARK = Buffer.from('written before it grew')

/** Whether that much of a device from there on is zeros, by the tool: JavaScript takes ten times as long in a VM. */
const isBlank = (path: string, fromBytes: bigint, bytes: bigint): Promise<boolean> =>
  run('cmp', '--bytes', `${bytes}`, '--ignore-initial', `${fromBytes}:0`, path, '/dev/zero').then(
    () => true,
    () => false,
  )

const startOf = async (path: string): Promise<string> => {
  const device = await open(path, 'r')
  try {
    return (await device.read(Buffer.alloc(MARK.length), 0, MARK.length, 0)).buffer.toString()
  } finally {
    await device.close()
  }
}

describe('extendVolume', function () {
  this.timeout(600_000)
  const runner = recordingRunner()
  let node: Node
  let loops: string[]
  let group: VolumeGroup

  before(async () => {
    await run('modprobe', '-a', 'loop', 'dm-raid', 'raid1', 'raid10', 'raid456')
    loops = []
    for (let index = 0; index < DISKS; index += 1) loops.push(await makeLoop(`extend${index}`, DISK_MIB))
    node = await startNode(runner)
    const made = await ensure(node.volumes, loops, { name: NAME })
    if (made.group === undefined) throw new Error(made.problem?.message)
    group = made.group
  })
  afterEach(() => emptyGroup(NAME))
  after(async () => {
    await node.close()
    await wipe(...loops)
    for (const loop of loops) await dropLoop(loop)
  })

  const create = (layout: Layout, extents: bigint): Promise<LogicalVolume> =>
    node.volumes.createVolume({ ...requestFor(group, extents * EXTENT, { content: 'block' }), layout })
  const extend = ({ handle }: LogicalVolume, extents: bigint, overprovisionPermille = 1500n) =>
    node.volumes.extendVolume({ handle, sizeBytes: extents * EXTENT, overprovisionPermille })
  const occupy = async (...runs: string[]): Promise<void> => {
    const extents = runs.reduce((sum, text) => {
      const [first = 0, last = 0] = (text.split(':')[1] ?? '').split('-').map(Number)
      return sum + last - first + 1
    }, 0)
    const options = ['-an', '-Zn', '-Wn', '--extents', `${extents}`, '--name', `used${extents}`]
    await handMadeLvm('lvcreate', ...options, NAME, ...runs)
  }
  const shownBytes = async ({ handle }: LogicalVolume): Promise<bigint | undefined> => {
    const mapped = await findMappedVolume(handle)
    return mapped === undefined ? undefined : await mappedBytes(mapped)
  }
  const demandLegsApart = async (volume: LogicalVolume, layout: Layout): Promise<void> => {
    if (!isRaid(volume)) return
    const command = legsCommand(volume)
    const legs = parseLegs(await handMadeLvm(command.name, ...command.options, ...command.operands))
    confirmLegsApart(volume, legs, legsOf(layout)?.count ?? 0)
  }
  const lvextends = (): number =>
    runner.commands.filter((command) => lvmSubcommand(command) === 'lvextend').length

  for (const layout of LAYOUTS)
    it(`${describeLayout(layout)}: grows while it is in use, past holes, up to the largest size and no further`, async () => {
      const step = BigInt(legsOf(layout)?.dataLegs ?? 1)
      const volume = await create(layout, 2n * step)
      const { devicePath } = await node.volumes.prepareVolume(volume.handle, BLOCK)
      await writeAt(devicePath, 0, MARK)
      // behind its legs, so that they have to go on elsewhere; every disk in its own way
      const holes = loops.map((loop, index) => `${loop}:${6 + index}-${8 + index}`)
      await occupy(...holes)

      const grown = await extend(volume, 3n * step)
      expect(grown).to.include({ sizeBytes: 3n * step * EXTENT, segmentType: layout.name, active: true })
      expect(await shownBytes(volume)).to.equal(grown.sizeBytes)
      const failure = await thrownBy(extend(volume, 1000n))
      if (!(failure instanceof NoSpace)) throw failure
      const { largestBytes } = failure
      expect(await node.volumes.findVolume(volume.handle)).to.include({ sizeBytes: grown.sizeBytes })

      const largest = await extend(volume, largestBytes / EXTENT)
      expect(largest).to.include({ sizeBytes: largestBytes, segmentType: layout.name })
      expect(await shownBytes(volume)).to.equal(largestBytes)
      await demandLegsApart(largest, layout)
      expect(await startOf(devicePath)).to.equal(MARK.toString())
      expect(await isBlank(devicePath, MIB, 2n * step * EXTENT)).to.equal(true)
    })

  it('does nothing to a volume that is large enough, and leaves an inactive one inactive', async () => {
    const volume = await create({ name: 'linear' }, 2n)
    expect(await extend(volume, 3n)).to.include({ sizeBytes: 3n * EXTENT, active: false })
    const before = lvextends()
    expect(await extend(volume, 1n)).to.include({ sizeBytes: 3n * EXTENT, active: false })
    expect(await extend(volume, 3n)).to.include({ sizeBytes: 3n * EXTENT, active: false })
    expect(lvextends()).to.equal(before)
    expect(await shownBytes(volume)).to.equal(undefined)
  })

  it('has a device show all of its volume, which an interrupted extension left smaller', async () => {
    const volume = await create({ name: 'linear' }, 2n)
    const { devicePath } = await node.volumes.prepareVolume(volume.handle, BLOCK)
    await extend(volume, 4n)
    const shrinkDevice = async (): Promise<void> => {
      const [first = ''] = (await run('dmsetup', 'table', devicePath)).split('\n')
      await run('dmsetup', 'suspend', devicePath)
      await run(
        'dmsetup',
        'load',
        devicePath,
        '--table',
        first.replace(/^0 \d+/, `0 ${(2n * EXTENT) / 512n}`),
      )
      await run('dmsetup', 'resume', devicePath)
      expect(await shownBytes(volume)).to.equal(2n * EXTENT)
    }
    await shrinkDevice()
    await extend(volume, 4n)
    expect(await shownBytes(volume)).to.equal(4n * EXTENT)
    await shrinkDevice()
    await node.volumes.prepareVolume(volume.handle, BLOCK)
    expect(await shownBytes(volume)).to.equal(4n * EXTENT)
  })

  it('does not show what another volume held in the space that it gets', async () => {
    await occupy(...loops.slice(1).map((loop) => `${loop}:0-24`))
    const volume = await create({ name: 'linear' }, 2n)
    const other = await create({ name: 'linear' }, 4n)
    const { devicePath: otherPath } = await node.volumes.prepareVolume(other.handle, BLOCK)
    for (let at = 0n; at < other.sizeBytes; at += MIB)
      await writeAt(otherPath, Number(at), Buffer.alloc(Number(MIB), 0x5a))
    await node.volumes.releaseVolume(other.handle)
    const { name } = other
    await node.volumes.removeVolume(other.handle, {
      ...{ name, claimUid: other.record?.claimUid ?? '', erase: 'zero' },
    })
    const { devicePath } = await node.volumes.prepareVolume(volume.handle, BLOCK)
    const grown = await extend(volume, 8n)
    expect(await isBlank(devicePath, 0n, grown.sizeBytes)).to.equal(true)
  })

  it('never lets thin volumes exceed the ratio of their class', async () => {
    const layout = { name: 'thin', pool: 'thinpool', overprovisionPermille: 1000n } as const
    const volume = await create(layout, 4n)
    await create(layout, 4n)
    const grown = await extend(volume, 10n, 1000n)
    expect(grown.sizeBytes).to.equal(10n * EXTENT)
    const pool = (await node.volumes.inventory()).volumes.find(({ name }) => name === 'thinpool')
    expect(pool?.sizeBytes).to.equal(14n * EXTENT)
  })

  it('refuses a volume whose parts have stripes of several kinds, and leaves it as it is', async () => {
    const volume = await create({ name: 'striped', stripes: 2, stripeSizeBytes }, 2n)
    await handMadeLvm('lvextend', '--stripes', '3', '--extents', '+3', `${NAME}/${volume.name}`)
    const failure = await thrownBy(extend(volume, 20n))
    expect(String(failure)).to.include('stripes of several kinds').and.include('copy the data')
    expect(await node.volumes.findVolume(volume.handle)).to.include({ sizeBytes: 5n * EXTENT })
  })

  it('refuses a block volume where free space is not blank', async () => {
    const volume = await create({ name: 'linear' }, 1n)
    await handMadeLvm('vgchange', '--addtag', 'loam.unerased', NAME)
    try {
      expect(String(await thrownBy(extend(volume, 2n)))).to.include('without being erased')
      expect(await node.volumes.findVolume(volume.handle)).to.include({ sizeBytes: EXTENT })
    } finally {
      await handMadeLvm('vgchange', '--deltag', 'loam.unerased', NAME)
    }
  })

  it('says how much is free when a group is full', async () => {
    const volume = await create({ name: 'linear' }, 1n)
    const { groups } = await node.volumes.inventory()
    const free = freeDisksOf(groups[0] ?? group).flatMap(({ freeRuns }) => freeRuns)
    const most = 1n + free.reduce((sum, { count }) => sum + count, 0n)
    const failure = await thrownBy(extend(volume, most + 1n))
    expect(failure).to.include({ requestedBytes: (most + 1n) * EXTENT, largestBytes: most * EXTENT })
  })
})
