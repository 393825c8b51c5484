import { expect } from 'chai'
import { readFile } from 'node:fs/promises'

import type { LogicalVolume, VolumeGroup } from '../../../lvm/types.ts'
import { atFailpoint, failpointsOf } from '../../faults/at-failpoint.ts'
import { FaultyDisk } from '../../faults/faulty-disk.ts'
import { countSecrets, noFormerBytes, SECRET } from '../../faults/former-bytes.ts'
import { readGroups, type ReadVolume } from '../../faults/group-reading.ts'
import { thrownBy } from '../../unit/lvm/thrown.ts'
import { writeAt } from '../lvm/arrange.ts'
import {
  attachDisks,
  detachDisks,
  disk,
  groupOn,
  MIB,
  requestFor,
  run,
  startNode,
  wipe,
  type Node,
} from '../lvm/fixture.ts'

const EXT4 = { kind: 'fileSystem', type: 'ext4', mkfsOptions: [] } as const
const BLOCK = { kind: 'block' } as const
const SECTORS_PER_MIB = 2048
const SIZE_BYTES = 16n * MIB

describe('disks that fail or lie', function () {
  this.timeout(300_000)
  let node: Node
  let disks: readonly [FaultyDisk, FaultyDisk]
  let group: VolumeGroup

  const start = async (): Promise<void> => {
    node = await startNode()
    group = await groupOn(node.volumes, ...disks.map(({ path }) => path))
  }
  const restart = async (): Promise<void> => {
    await node.close()
    await start()
  }

  before(async () => {
    await attachDisks(128)
    await wipe(disk(0), disk(1))
    disks = [await FaultyDisk.over(disk(0), 'loam-fault-a'), await FaultyDisk.over(disk(1), 'loam-fault-b')]
    await start()
  })
  afterEach(() => heal())
  after(async () => {
    await node.close()
    await wipe(disk(0), disk(1))
    await detachDisks()
  })

  const heal = (): void => {
    for (const each of disks) each.set({ kind: 'none' })
  }
  const make = (content: 'ext4' | 'block'): Promise<LogicalVolume> =>
    node.volumes.createVolume(requestFor(group, SIZE_BYTES, { content }))
  const remove = ({ handle, name, record }: LogicalVolume): Promise<void> =>
    node.volumes.removeVolume(handle, { name, claimUid: record?.claimUid ?? '', erase: 'zero' })
  const readVolume = async (name: string): Promise<ReadVolume | undefined> =>
    (await readGroups()).flatMap(({ volumes }) => volumes).find((volume) => volume.name === name)
  const stateOf = async ({ name }: LogicalVolume): Promise<string | undefined> =>
    (await readVolume(name))?.tags.find((tag) => tag.startsWith('loam.state='))

  /** Bad sectors in the middle of the volume's second extent. */
  const spoil = async (volume: LogicalVolume, offsetMib: number, count: number): Promise<void> => {
    const [extents] = (await readVolume(volume.name))?.extents ?? []
    if (extents === undefined) throw new Error('no extents')
    const at = disks.find(({ path }) => path === extents.disk) ?? disks[0]
    const first = Number(
      await run('lvm', 'pvs', '--noheadings', '--nosuffix', '--units', 's', '-o', 'pe_start', at.path),
    )
    at.set({ kind: 'bad sectors', first: first + (extents.first * 4 + offsetMib) * SECTORS_PER_MIB, count })
  }

  it('get no volume acknowledged that a disk has not flushed (I1)', async () => {
    const before = disks.map(() => 0)
    atFailpoint('after.create-volume', () => disks.forEach((each, at) => (before[at] = each.flushes())))
    await make('block')
    expect(disks.map((each) => each.flushes() > 0)).to.deep.equal([true, true])
    expect(disks.map((each, at) => each.flushes() > (before[at] ?? 0))).to.deep.equal([true, true])
  })

  it('are flushed when an agent starts, for what its predecessor changed and did not flush (I1)', async () => {
    const before = disks.map((each) => each.flushes())
    await restart()
    expect(disks.map((each, at) => each.flushes() > (before[at] ?? 0))).to.deep.equal([true, true])
  })

  it('get no volume acknowledged that a disk took and forgot (I1)', async () => {
    const request = requestFor(group, SIZE_BYTES)
    const dropped = atFailpoint('before.create-volume', () =>
      disks.forEach((each) => each.set({ kind: 'drops writes' })),
    )
    const error = await thrownBy(node.volumes.createVolume(request))
    expect(dropped.wasPassed()).to.equal(true)
    heal()
    expect((error as Error).message).to.match(/not made.*exit status 0/)
    expect(await readVolume(request.name)).to.equal(undefined)
    const made = await node.volumes.createVolume(request)
    expect((await readVolume(request.name))?.uuid).to.equal(made.handle.volumeUuid)
  })

  it('get no removal acknowledged that a disk took and forgot (I6)', async () => {
    const made = await make('block')
    const dropped = atFailpoint('before.remove-volume', () =>
      disks.forEach((each) => each.set({ kind: 'drops writes' })),
    )
    const error = await thrownBy(remove(made))
    expect(dropped.wasPassed()).to.equal(true)
    heal()
    expect((error as Error).message).to.match(/not removed/)
    expect(await readVolume(made.name)).to.not.equal(undefined)
    await remove(made)
    expect(await readVolume(made.name)).to.equal(undefined)
  })

  it('get no volume acknowledged that only one of two disks holds, although LVM returns 0 (I1)', async () => {
    const request = requestFor(group, SIZE_BYTES)
    atFailpoint('before.create-volume', () => disks[1].set({ kind: 'fails writes' }))
    expect(await thrownBy(node.volumes.createVolume(request))).to.be.instanceOf(Error)
    heal()
    await restart()
    const made = await node.volumes.createVolume(request)
    expect((await readVolume(request.name))?.uuid).to.equal(made.handle.volumeUuid)
  })

  it('get no user for a volume before it is recorded as used (I4)', async () => {
    const made = await make('ext4')
    const passed = await failpointsOf(() => node.volumes.prepareVolume(made.handle, EXT4))
    const changes = passed.filter((failpoint) => !failpoint.endsWith('flush-device'))
    expect(changes).to.deep.equal([
      ...['before.activate-volume', 'after.activate-volume'],
      ...['before.tag-volume', 'after.tag-volume'],
      ...['before.make-file-system', 'after.make-file-system'],
      ...['before.tag-volume', 'after.tag-volume'],
    ])
    expect(await stateOf(made)).to.equal('loam.state=used')
    await node.volumes.releaseVolume(made.handle)
  })

  it('get no file system where the volume cannot be read, although blkid finds nothing (I4)', async () => {
    const made = await make('ext4')
    await spoil(made, 0, 8)
    const passed = await failpointsOf(() => thrownBy(node.volumes.prepareVolume(made.handle, EXT4)))
    expect(passed).to.include('before.activate-volume').and.not.include('before.make-file-system')
    heal()
    expect(await stateOf(made)).to.equal('loam.state=new')
    await node.volumes.prepareVolume(made.handle, EXT4)
    await node.volumes.releaseVolume(made.handle)
  })

  it('get no file system over bytes that blkid does not know (I4)', async () => {
    const made = await make('ext4')
    const [extents] = (await readVolume(made.name))?.extents ?? []
    const at = disks.find(({ path }) => path === extents?.disk)?.path ?? ''
    const start = Number(
      await run('lvm', 'pvs', '--noheadings', '--nosuffix', '--units', 'b', '-o', 'pe_start', at),
    )
    const offset = start + (extents?.first ?? 0) * Number(4n * MIB) + 512 * 1024
    await writeAt(at, offset, Buffer.from(SECRET))
    const passed = await failpointsOf(() => thrownBy(node.volumes.prepareVolume(made.handle, EXT4)))
    expect(passed).to.not.include('before.make-file-system')
    const kept = (await readFile(at)).subarray(offset, offset + SECRET.length)
    expect(kept.toString()).to.equal(SECRET)
    await writeAt(at, offset, Buffer.alloc(SECRET.length))
  })

  it('get no space given away that could not be erased, and lose every byte of a user in the end (I9)', async () => {
    const made = await make('block')
    const { devicePath } = await node.volumes.prepareVolume(made.handle, BLOCK)
    await writeAt(devicePath, 0, Buffer.alloc(Number(SIZE_BYTES), SECRET))
    await node.volumes.releaseVolume(made.handle)
    await spoil(made, 9, 8)
    expect(await thrownBy(remove(made))).to.be.instanceOf(Error)
    heal()
    expect(await stateOf(made)).to.equal('loam.state=erasing')
    expect((await countSecrets(disk(0))) + (await countSecrets(disk(1)))).to.be.greaterThan(0)
    await remove(made)
    expect(await readVolume(made.name)).to.equal(undefined)
    await noFormerBytes([disk(0), disk(1)])
  })
})
