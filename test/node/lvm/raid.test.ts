import { expect } from 'chai'

import type { LogicalVolume, VolumeGroup } from '../../../lvm/types.ts'
import { eventually } from '../../support/eventually.ts'
import { pullDisk } from './arrange.ts'
import {
  attachDisks,
  detachDisks,
  disk,
  emptyGroup,
  ensure,
  groupOn,
  MIB,
  requestFor,
  run,
  startNode,
  wipe,
  type Node,
} from './fixture.ts'

const MOUNT = '/run/loam-test/raid'
const EXT4 = { kind: 'fileSystem', type: 'ext4', mkfsOptions: [] } as const
const LAYOUT = { name: 'raid1', mirrors: 1 } as const
/** Behind LVM's own metadata. */
const DATA_AT = 17 * 1024 * 1024

describe('a RAID volume', function () {
  this.timeout(300_000)
  let node: Node
  let group: VolumeGroup

  const create = (content: 'ext4' | 'block', sizeBytes = 40n * MIB): Promise<LogicalVolume> =>
    node.volumes.createVolume({ ...requestFor(group, sizeBytes, { content }), layout: LAYOUT })
  const now = async ({ handle }: LogicalVolume): Promise<LogicalVolume> => {
    const found = await node.volumes.findVolume(handle)
    if (found === undefined) throw new Error('the volume is gone')
    return found
  }
  const remove = ({ handle, name, record }: LogicalVolume): Promise<void> =>
    node.volumes.removeVolume(handle, { name, claimUid: record?.claimUid ?? '', erase: 'zero' })
  const inSync = (volume: LogicalVolume) =>
    eventually('the volume is in sync', async () => (await now(volume)).syncPercent === 100, 120_000)
  /** Bytes of a disk's data that are not zero. */
  const nonZeroBytes = async (path: string): Promise<number> =>
    Number(
      await run(
        'bash',
        '-c',
        `blockdev --flushbufs ${path}; tail --bytes=+${DATA_AT + 1} ${path} | tr --delete '\\0' | head --bytes=1000 | wc --bytes`,
      ),
    )

  before(async () => {
    await run('modprobe', '-a', 'dm-raid', 'raid1')
    await attachDisks()
    await wipe(disk(0), disk(1))
    node = await startNode()
    group = await groupOn(node.volumes, disk(0), disk(1))
  })
  afterEach(emptyGroup)
  after(async () => {
    await node.close()
    await wipe(disk(0), disk(1))
    await detachDisks()
  })

  it('outlives the loss of a disk in use, and takes it in again when it is back', async () => {
    const volume = await create('ext4')
    const { devicePath } = await node.volumes.prepareVolume(volume.handle, EXT4)
    await run('mkdir', '--parents', MOUNT)
    await run('mount', devicePath, MOUNT)
    await run('bash', '-c', `echo before > ${MOUNT}/data && sync`)
    await inSync(volume)

    const pulled = await pullDisk(disk(0))
    await run('bash', '-c', `echo meanwhile >> ${MOUNT}/data && sync`)
    const frozen = await ensure(node.volumes, [disk(0), disk(1)])
    expect(frozen.problem?.reason).to.equal('DisksMissing')
    expect((await now(volume)).health).to.equal('partial')
    expect((await node.volumes.prepareVolume(volume.handle, EXT4)).devicePath).to.equal(devicePath)

    await pulled.plug()
    const thawed = await ensure(node.volumes, [disk(0), disk(1)])
    expect(thawed.problem).to.equal(undefined)
    await inSync(volume)
    expect((await now(volume)).health).to.equal('')
    expect(await run('cat', `${MOUNT}/data`)).to.equal('before\nmeanwhile')

    // what was written meanwhile is on the disk that was away: the other one is not asked
    await run('umount', MOUNT)
    await node.volumes.releaseVolume(volume.handle)
    const other = await pullDisk(disk(1))
    await run('mount', (await node.volumes.prepareVolume(volume.handle, EXT4)).devicePath, MOUNT)
    expect(await run('cat', `${MOUNT}/data`)).to.equal('before\nmeanwhile')
    await run('umount', MOUNT)
    await node.volumes.releaseVolume(volume.handle)
    await other.plug()
  })

  it('leaves nothing on its disks, RAID metadata included, and its space serves block volumes again', async () => {
    await ensure(node.volumes, [disk(0), disk(1)])
    const volume = await create('block', 20n * MIB)
    const { devicePath } = await node.volumes.prepareVolume(volume.handle, { kind: 'block' })
    await run(
      'bash',
      '-c',
      `tr '\\0' x < /dev/zero | dd of=${devicePath} bs=1M count=20 iflag=fullblock conv=fsync`,
    )
    expect(await nonZeroBytes(disk(0))).to.equal(1000)
    await node.volumes.releaseVolume(volume.handle)
    await remove(volume)
    expect(await nonZeroBytes(disk(0))).to.equal(0)
    expect(await nonZeroBytes(disk(1))).to.equal(0)

    const next = await node.volumes.createVolume({
      ...requestFor(group, 300n * MIB, { content: 'block' }),
      layout: { name: 'linear' },
    })
    await node.volumes.prepareVolume(next.handle, { kind: 'block' })
    await node.volumes.releaseVolume(next.handle)
  })

  it('that was never used is removed with the metadata that looking at it has written', async () => {
    const volume = await create('ext4', 8n * MIB)
    await remove(volume)
    expect(await nonZeroBytes(disk(0))).to.equal(0)
    expect(await nonZeroBytes(disk(1))).to.equal(0)
  })
})
