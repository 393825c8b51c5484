import { expect } from 'chai'
import { execaSync } from 'execa'
import { closeSync, fsyncSync, openSync, readSync, writeSync } from 'node:fs'

import type { LogicalVolume } from '../../../lvm/types.ts'
import { atFailpoint } from '../../faults/at-failpoint.ts'
import { Canaries, headOfExt4 } from '../../faults/canaries.ts'
import { readGroups } from '../../faults/group-reading.ts'
import { thrownBy } from '../../unit/lvm/thrown.ts'
import { pullDisk } from '../lvm/arrange.ts'
import {
  attachDisks,
  detachDisks,
  disk,
  ensure,
  GROUP,
  groupOn,
  MIB,
  requestFor,
  sha256,
  startNode,
  wipe,
  type Node,
} from '../lvm/fixture.ts'

const SIZE_BYTES = 16n * MIB

describe('what is not ours', function () {
  this.timeout(300_000)
  let node: Node

  before(() => attachDisks(128))
  after(detachDisks)
  beforeEach(async () => {
    await wipe(disk(0), disk(1))
    node = await startNode()
  })
  afterEach(async () => {
    await node.close()
    await wipe(disk(0), disk(1))
  })

  const restart = async (): Promise<void> => {
    await node.close()
    node = await startNode()
  }
  const removal = ({ handle, name, record }: LogicalVolume): Promise<void> =>
    node.volumes.removeVolume(handle, { name, claimUid: record?.claimUid ?? '', erase: 'zero' })

  it('is never written to, although a class lists all of it (I3)', async () => {
    const canaries = await Canaries.make()
    try {
      const all = [disk(0), ...canaries.paths]
      const { group, disks } = await ensure(node.volumes, all)
      expect(disks.map(({ reason }) => reason)).to.not.include('TooSmall')
      if (group === undefined) throw new Error('no group')
      expect(group.physicalVolumes).to.have.length(1)
      const made = await node.volumes.createVolume(requestFor(group, SIZE_BYTES))
      await node.volumes.prepareVolume(made.handle, { kind: 'fileSystem', type: 'ext4', mkfsOptions: [] })
      await node.volumes.releaseVolume(made.handle)
      await restart()
      const again = await ensure(node.volumes, all, { expectedGroupUuid: group.uuid })
      expect(again.problem).to.equal(undefined)
      await removal(made)
      await canaries.check()
    } finally {
      await canaries.remove()
    }
  })

  it('is not written over when it appears on a disk a moment before vgcreate (I3)', async () => {
    const head = await headOfExt4()
    const appear = (): void => {
      const file = openSync(disk(0), 'r+')
      writeSync(file, head, 0, head.length, 0)
      fsyncSync(file)
      closeSync(file)
    }
    const appeared = atFailpoint('before.create-group', appear)
    const { group, problem } = await ensure(node.volumes, [disk(0)])
    expect(appeared.wasPassed()).to.equal(true)
    const found = Buffer.alloc(head.length)
    const file = openSync(disk(0), 'r')
    readSync(file, found, 0, found.length, 0)
    closeSync(file)
    expect(found.equals(head), 'the file system that appeared is untouched').to.equal(true)
    expect(group).to.equal(undefined)
    expect(problem?.reason).to.equal('CommandFailed')
  })

  it('survives the removal of a volume that had its name (I1)', async () => {
    const group = await groupOn(node.volumes, disk(0))
    const made = await node.volumes.createVolume(requestFor(group, SIZE_BYTES))
    const takeName = (): void => {
      execaSync('lvm', ['lvrename', GROUP, made.name, 'moved'])
      execaSync('lvm', ['lvcreate', '-an', '-Zn', '-Wn', '--extents', '1', '--name', made.name, GROUP])
    }
    const taken = atFailpoint('before.remove-volume', takeName)
    await removal(made).catch(() => undefined)
    expect(taken.wasPassed()).to.equal(true)
    const left = (await readGroups()).flatMap(({ volumes }) => volumes)
    expect(left.map(({ name }) => name)).to.include(made.name)
    expect(left.map(({ uuid }) => uuid)).to.not.include(made.handle.volumeUuid)
  })

  it('stays while disks are away: no volume goes, and no second group is made (I1, I11)', async () => {
    const group = await groupOn(node.volumes, disk(0), disk(1))
    const made = await node.volumes.createVolume(requestFor(group, SIZE_BYTES))
    const [{ extents, uuid } = { extents: [], uuid: '' }] = (await readGroups())[0]?.volumes ?? []
    const isOnFirst =
      group.physicalVolumes.findIndex(({ devicePath }) => devicePath === extents[0]?.disk) === 0
    const [holding, other] = isOnFirst ? ([0, 1] as const) : ([1, 0] as const)
    const pulled = await pullDisk(disk(other))
    const refused = await thrownBy(removal(made))
    const whileAway = (await readGroups()).flatMap(({ volumes }) => volumes.map((volume) => volume.uuid))
    await pulled.plug()
    expect(whileAway).to.deep.equal([uuid])
    expect(refused).to.have.property('reason', 'Frozen')
    expect((await groupOn(node.volumes, disk(0), disk(1))).seqno).to.equal((await readGroups())[0]?.seqno)
    expect(holding).to.not.equal(other)
  })

  it('is not joined by a second group while the disks of the first are away (I11)', async () => {
    const group = await groupOn(node.volumes, disk(0))
    const blank = await sha256(disk(1))
    const pulled = await pullDisk(disk(0))
    await restart()
    const { problem } = await ensure(node.volumes, [disk(0), disk(1)], { expectedGroupUuid: group.uuid })
    const after = await sha256(disk(1))
    await pulled.plug()
    expect(after).to.equal(blank)
    expect(problem?.reason).to.equal('GroupMissing')
  })
})
