import { expect } from 'chai'

import { Frozen } from '../../../lvm/errors.ts'
import { thrownBy } from '../../unit/lvm/thrown.ts'
import { pullDisk } from './arrange.ts'
import {
  attachDisks,
  CLUSTER,
  detachDisks,
  disk,
  ensure,
  GROUP,
  groupOn,
  handMadeLvm,
  MIB,
  requestFor,
  run,
  sha256,
  startNode,
  wipe,
  type Node,
} from './fixture.ts'

const OTHER_CLUSTER = '99999999-2222-3333-4444-555555555555'

describe('the volume group of a class', function () {
  this.timeout(180_000)
  let node: Node

  /** A new process on the same node: everything it knows comes from the disks. */
  const restart = async (): Promise<void> => {
    await node.close()
    node = await startNode()
  }

  before(() => attachDisks())
  after(async () => {
    await wipe(disk(0), disk(1))
    await detachDisks()
  })
  beforeEach(async () => {
    await wipe(disk(0), disk(1))
    node = await startNode()
  })
  afterEach(() => node.close())

  it('is made of the blank disks, leaves the others alone, and says what it has', async () => {
    await run('mkfs.ext4', '-q', disk(1))
    const before = await sha256(disk(1))
    const { group, disks, problem } = await ensure(node.volumes, [disk(0), disk(1), '/dev/disk/by-id/none'])
    expect(problem).to.equal(undefined)
    expect(disks.map(({ state, reason }) => [state, reason])).to.deep.equal([
      ['Accepted', 'Member'],
      ['Refused', 'Signature'],
      ['Missing', 'NotThere'],
    ])
    expect(group).to.include({ name: GROUP, extentSizeBytes: 4n * MIB, missingPhysicalVolumes: 0 })
    expect(group?.freeBytes).to.equal(group?.sizeBytes)
    expect(group?.tags).to.have.members(['loam.owner=loam.storage', `loam.cluster=${CLUSTER}`])
    expect(disks[0]?.physicalVolumeUuid).to.equal(group?.physicalVolumes[0]?.uuid)
    expect(await sha256(disk(1))).to.equal(before)
    const fields = ['-o', 'vg_autoactivation,vg_mda_size', '--separator', ',', '--units', 'm', '--nosuffix']
    const shown = await handMadeLvm('vgs', '--noheadings', ...fields, GROUP)
    expect(shown.trim(), 'no autoactivation').to.match(/^,\d/)
    expect(Number(shown.trim().slice(1)), 'MiB of metadata').to.be.within(15, 18)
  })

  it('is found again after a restart, and nothing is written', async () => {
    const made = await groupOn(node.volumes, disk(0), disk(1))
    await restart()
    const found = await groupOn(node.volumes, disk(0), disk(1))
    expect(found.uuid).to.equal(made.uuid)
    expect(found.seqno).to.equal(made.seqno)
    expect((await node.volumes.inventory()).groups).to.deep.equal([found])
  })

  it('takes in a blank disk that is listed later', async () => {
    const first = await groupOn(node.volumes, disk(0))
    const { group, disks, problem } = await ensure(node.volumes, [disk(0), disk(1)])
    expect(problem).to.equal(undefined)
    expect(disks.map(({ reason }) => reason)).to.deep.equal(['Member', 'Member'])
    expect(group?.uuid).to.equal(first.uuid)
    expect(group?.physicalVolumes).to.have.length(2)
    expect((group?.sizeBytes ?? 0n) > first.sizeBytes).to.equal(true)
  })

  it('refuses a group of its name that it did not make', async () => {
    await handMadeLvm('vgcreate', GROUP, disk(0))
    const before = await sha256(disk(0))
    const { group, disks, problem } = await ensure(node.volumes, [disk(0), disk(1)])
    expect(group).to.equal(undefined)
    expect(problem?.reason).to.equal('ForeignGroup')
    expect(disks.map(({ reason }) => reason)).to.deep.equal(['OtherGroup', 'Blank'])
    expect(await sha256(disk(0))).to.equal(before)
  })

  it('makes no second group of a name that a disk outside the list carries', async () => {
    await handMadeLvm('vgcreate', GROUP, disk(0))
    const { group, problem } = await ensure(node.volumes, [disk(1)])
    expect(group).to.equal(undefined)
    expect(problem?.reason).to.equal('Conflict')
    expect(await handMadeLvm('pvs', '--noheadings', '-o', 'vg_name')).to.match(/^\s*loam-test\s*$/)
  })

  it('leaves the group of another cluster alone', async () => {
    await groupOn(node.volumes, disk(0))
    await restart()
    const { group, problem } = await ensure(node.volumes, [disk(0)], { clusterId: OTHER_CLUSTER })
    expect(group).to.equal(undefined)
    expect(problem?.reason).to.equal('OtherCluster')
  })

  it('makes no other group while the disks of the expected one are away', async () => {
    const made = await groupOn(node.volumes, disk(0))
    const pulled = await pullDisk(disk(0))
    const inProcess = await ensure(node.volumes, [disk(0), disk(1)])
    await restart()
    const { group, problem } = await ensure(node.volumes, [disk(0), disk(1)], {
      expectedGroupUuid: made.uuid,
    })
    await pulled.plug()
    expect(inProcess.problem?.reason).to.equal('GroupMissing')
    expect(group).to.equal(undefined)
    expect(problem?.reason).to.equal('GroupMissing')
    expect((await groupOn(node.volumes, disk(0), disk(1))).uuid).to.equal(made.uuid)
  })

  it('is frozen while a disk is missing, and thaws when it is back', async () => {
    const group = await groupOn(node.volumes, disk(0), disk(1))
    const request = requestFor(group, 8n * MIB)
    const made = await node.volumes.createVolume(request)
    const used = await node.volumes.prepareVolume(made.handle, {
      kind: 'fileSystem',
      type: 'ext4',
      mkfsOptions: [],
    })
    expect(used.devicePath).to.match(/^\/dev\/mapper\//)
    await node.volumes.releaseVolume(made.handle)
    const onFirst = (await handMadeLvm('lvs', '--noheadings', '-o', 'devices', GROUP)).includes(
      await run('realpath', disk(0)),
    )
    const pulled = await pullDisk(onFirst ? disk(1) : disk(0))
    try {
      const { group: partial, problem } = await ensure(node.volumes, [disk(0), disk(1)])
      expect(problem?.reason).to.equal('DisksMissing')
      expect(partial?.missingPhysicalVolumes).to.equal(1)
      expect(await thrownBy(node.volumes.createVolume(requestFor(group, 8n * MIB)))).to.be.instanceOf(Frozen)
      const remove = { name: request.name, claimUid: request.record.claimUid, erase: 'zero' } as const
      expect(await thrownBy(node.volumes.removeVolume(made.handle, remove))).to.be.instanceOf(Frozen)
      const unknown = { groupUuid: group.uuid, volumeUuid: 'aaaaaa-UJB3-0rXm-eTLY-X00Z-DHPm-MvBEtz' }
      expect(await thrownBy(node.volumes.findVolume(unknown)), 'not "deleted"').to.be.instanceOf(Frozen)
      const again = await node.volumes.prepareVolume(made.handle, {
        kind: 'fileSystem',
        type: 'ext4',
        mkfsOptions: [],
      })
      expect(again.devicePath, 'volumes on the other disk stay usable').to.equal(used.devicePath)
      await node.volumes.releaseVolume(made.handle)
    } finally {
      await pulled.plug()
    }
    expect((await groupOn(node.volumes, disk(0), disk(1))).missingPhysicalVolumes).to.equal(0)
    expect((await node.volumes.createVolume(requestFor(group, 8n * MIB))).sizeBytes).to.equal(8n * MIB)
  })

  it('says that it cannot tell when all disks are gone', async () => {
    const group = await groupOn(node.volumes, disk(0))
    const made = await node.volumes.createVolume(requestFor(group, 8n * MIB))
    const pulled = await pullDisk(disk(0))
    try {
      expect(await thrownBy(node.volumes.findVolume(made.handle))).to.be.instanceOf(Frozen)
      const { groups, unseen } = await node.volumes.inventory()
      expect(groups).to.deep.equal([])
      expect(unseen).to.have.length(1)
      expect(unseen[0]).to.include({ uuid: group.uuid, reason: 'NotSeen' })
    } finally {
      await pulled.plug()
    }
    expect((await node.volumes.findVolume(made.handle))?.name).to.equal(made.name)
  })

  it('keeps a second agent out', async () => {
    expect(await thrownBy(startNode())).to.have.property('reason', 'Busy')
  })
})
