import { expect } from 'chai'

import { erasedBytesOf, hasUnerasedSpace } from '../../../core/volume-tags.ts'
import type { CommandRunner } from '../../../lvm/command-runner.ts'
import { Refused } from '../../../lvm/errors.ts'
import type { LogicalVolume, VolumeGroup } from '../../../lvm/types.ts'
import { thrownBy } from '../../unit/lvm/thrown.ts'
import { writeAt } from './arrange.ts'
import {
  attachDisks,
  detachDisks,
  disk,
  groupOn,
  handMadeLvm,
  MIB,
  recordingRunner,
  requestFor,
  run,
  startNode,
  wipe,
  type Node,
} from './fixture.ts'

const SIZE_BYTES = 16n * MIB
const PACE = { stepBytes: 2n * MIB, recordEveryBytes: 4n * MIB, share: 1 }
const SECRET = 'tenant-secret '

describe('erase "none"', function () {
  this.timeout(180_000)
  const EXT4 = { kind: 'fileSystem', type: 'ext4', mkfsOptions: [] } as const
  let node: Node
  let group: VolumeGroup

  before(async () => {
    await attachDisks(128)
    await wipe(disk(0))
    node = await startNode()
    group = await groupOn(node.volumes, disk(0))
  })
  after(async () => {
    await node.close()
    await wipe(disk(0))
    await detachDisks()
  })

  const make = (): Promise<LogicalVolume> =>
    node.volumes.createVolume(requestFor(group, SIZE_BYTES, { erase: 'none' }))
  const remove = (volume: LogicalVolume): Promise<void> =>
    node.volumes.removeVolume(volume.handle, {
      name: volume.name,
      claimUid: volume.record?.claimUid ?? '',
      erase: 'none',
    })

  it('writes nothing over a volume that goes, and marks the group for good', async () => {
    const volume = await make()
    const { devicePath } = await node.volumes.prepareVolume(volume.handle, EXT4)
    await writeAt(devicePath, 8 << 20, Buffer.from(SECRET))
    await node.volumes.releaseVolume(volume.handle)
    await remove(volume)
    expect(await run('grep', '-c', '-a', SECRET, disk(0))).to.equal('1')
    const [after] = (await node.volumes.inventory()).groups
    expect(hasUnerasedSpace(after?.tags ?? [])).to.equal(true)
  })

  it('gives the space to the next file system, which is made like any other', async () => {
    const volume = await make()
    const prepared = await node.volumes.prepareVolume(volume.handle, EXT4)
    expect(await run('e2fsck', '-n', '-f', prepared.devicePath)).to.match(/clean|non-contiguous/)
    await node.volumes.releaseVolume(volume.handle)
  })

  it('never gives it to a block volume', async () => {
    const request = requestFor(group, SIZE_BYTES, { content: 'block' })
    expect(await thrownBy(node.volumes.createVolume(request))).to.be.instanceOf(Refused)
  })

  it('leaves alone what an interrupted creation made, when it is not blank', async () => {
    const request = requestFor(group, SIZE_BYTES, { erase: 'none' })
    const made = await node.volumes.createVolume(request)
    await handMadeLvm('lvchange', '-ay', `${group.name}/${made.name}`)
    await writeAt(`/dev/${group.name}/${made.name}`, 0, Buffer.from(SECRET))
    await handMadeLvm('lvchange', '-an', `${group.name}/${made.name}`)
    const error = await thrownBy(node.volumes.createVolume(request))
    expect(error).to.be.instanceOf(Refused)
    expect((error as Error).message).to.match(/delete the claim and make it again/)
    await remove(made)
  })
})

describe('erasing', function () {
  this.timeout(180_000)
  let node: Node
  let volume: LogicalVolume

  const remove = (): Promise<void> =>
    node.volumes.removeVolume(volume.handle, {
      name: volume.name,
      claimUid: volume.record?.claimUid ?? '',
      erase: 'zero',
    })

  const restart = async (runner: CommandRunner): Promise<void> => {
    await node.close()
    node = await startNode(runner, { erasePace: PACE })
    await groupOn(node.volumes, disk(0))
  }

  /** A disk that is pulled, a node that loses power: whatever it is, no further step is made. */
  const endingAtStep = (last: number): CommandRunner => {
    const inner = recordingRunner()
    let steps = 0
    return {
      run: (command) => {
        if (command.file === 'blkdiscard') steps += 1
        return steps > last ? Promise.reject(new Error('the agent is gone')) : inner.run(command)
      },
    }
  }

  before(async () => {
    await attachDisks(128)
    await wipe(disk(0))
    node = await startNode(undefined, { erasePace: PACE })
    const group = await groupOn(node.volumes, disk(0))
    volume = await node.volumes.createVolume(requestFor(group, SIZE_BYTES, { content: 'block' }))
    const { devicePath } = await node.volumes.prepareVolume(volume.handle, { kind: 'block' })
    await writeAt(devicePath, 0, Buffer.alloc(Number(SIZE_BYTES), SECRET))
    await node.volumes.releaseVolume(volume.handle)
  })
  after(async () => {
    await node.close()
    await wipe(disk(0))
    await detachDisks()
  })

  it('goes on where it was interrupted, from what is on the disks for certain', async () => {
    await restart(endingAtStep(5))
    expect(await thrownBy(remove())).to.be.instanceOf(Error)

    const runner = recordingRunner()
    await restart(runner)
    const interrupted = await node.volumes.findVolume(volume.handle)
    expect(interrupted?.record?.state).to.equal('erasing')
    expect(erasedBytesOf(interrupted?.tags ?? [])).to.equal(8n * MIB)

    await remove()
    const steps = runner.commands.filter(({ file }) => file === 'blkdiscard')
    const offsets = steps.map(({ args }) => BigInt(args[args.indexOf('--offset') + 1] ?? ''))
    expect(offsets).to.deep.equal([8n, 10n, 12n, 14n].map((mib) => mib * MIB))
    expect(await node.volumes.findVolume(volume.handle)).to.equal(undefined)
  })

  it('leaves nothing on the disk of what was there', async () => {
    const found = await run('sh', '-c', `tr -d '\\0' < "$0" | grep -c -a '${SECRET}' || true`, disk(0))
    expect(found).to.equal('0')
  })
})
