import { expect } from 'chai'

import { eventually } from '../../support/eventually.ts'
import {
  attachDisks,
  detachDisks,
  disk,
  GROUP,
  groupOn,
  MIB,
  requestFor,
  run,
  settle,
  startNode,
  wipe,
  type Node,
} from './fixture.ts'

const MOUNT = '/run/loam-test/location'
const EXT4 = { kind: 'fileSystem', type: 'ext4', mkfsOptions: [] } as const

const isUdevdRunning = async (): Promise<boolean> =>
  run('pidof', 'systemd-udevd').then(
    () => true,
    () => false,
  )
const startUdevd = async (): Promise<void> => {
  if (!(await isUdevdRunning())) await run('/lib/systemd/systemd-udevd', '--daemon')
  await run('udevadm', 'trigger', '--action=add', '--subsystem-match=block')
  await settle()
}
const stopUdevd = async (): Promise<void> => {
  await settle()
  await run('udevadm', 'control', '--exit')
  // it ends its work first, of which a busy machine has much
  await eventually('udevd has ended', async () => !(await isUdevdRunning()), 60_000)
  // by this socket libudev knows that there is a udevd; one that ended leaves it behind
  await run('rm', '--force', '/run/udev/control')
}

describe('LVM of the host, and of the image', function () {
  this.timeout(300_000)
  let node: Node | undefined

  before(async () => {
    await attachDisks(128)
    await wipe(disk(0), disk(1))
  })
  afterEach(async () => {
    await node?.close()
    node = undefined
    await startUdevd()
    await wipe(disk(0), disk(1))
    // links that LVM has made itself do not go with the devices that `wipe` takes away
    await run('rm', '--recursive', '--force', `/dev/${GROUP}`)
  })
  after(detachDisks)

  for (const location of ['host', 'image'] as const)
    for (const udevd of ['with', 'without'] as const)
      it(`${location}, ${udevd} udevd on the node: a volume is made, used, and removed`, async () => {
        if (udevd === 'without') await stopUdevd()
        node = await startNode(undefined, { location })
        const group = await groupOn(node.volumes, disk(0), disk(1))
        const { handle, name, record } = await node.volumes.createVolume(requestFor(group, 16n * MIB))
        const { devicePath } = await node.volumes.prepareVolume(handle, EXT4)
        await run('mkdir', '--parents', MOUNT)
        await run('mount', devicePath, MOUNT)
        await run('bash', '-c', `echo written > ${MOUNT}/file`)
        await run('umount', MOUNT)
        await node.volumes.releaseVolume(handle)
        await run('mount', (await node.volumes.prepareVolume(handle, EXT4)).devicePath, MOUNT)
        expect(await run('cat', `${MOUNT}/file`)).to.equal('written')
        await run('umount', MOUNT)
        await node.volumes.releaseVolume(handle)
        await node.volumes.removeVolume(handle, { name, claimUid: record?.claimUid ?? '', erase: 'zero' })
        expect(await node.volumes.findVolume(handle)).to.equal(undefined)
      })
})
