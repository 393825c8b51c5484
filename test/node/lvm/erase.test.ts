import { expect } from 'chai'

import { erasedBytesOf } from '../../../core/volume-tags.ts'
import type { CommandRunner } from '../../../lvm/command-runner.ts'
import type { LogicalVolume } from '../../../lvm/types.ts'
import { thrownBy } from '../../unit/lvm/thrown.ts'
import { writeAt } from './arrange.ts'
import {
  attachDisks,
  detachDisks,
  disk,
  groupOn,
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
