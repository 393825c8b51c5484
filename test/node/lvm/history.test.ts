import { expect } from 'chai'

import { Frozen } from '../../../lvm/errors.ts'
import { markOf } from '../../../lvm/history.ts'
import type { GroupMark } from '../../../lvm/types.ts'
import { thrownBy } from '../../unit/lvm/thrown.ts'
import { pullDisk } from './arrange.ts'
import {
  attachDisks,
  detachDisks,
  disk,
  ensure,
  GROUP,
  groupOn,
  handMadeLvm,
  MIB,
  requestFor,
  startNode,
  wipe,
  type Node,
} from './fixture.ts'

const COPY = '/run/loam-test/copy.vg'

describe('metadata that goes back in time', function () {
  this.timeout(180_000)
  let node: Node

  const restart = async (): Promise<void> => {
    await node.close()
    node = await startNode()
  }
  /** What the agent writes down. */
  const markNow = async (): Promise<GroupMark> => {
    const { groups, volumes } = await node.volumes.inventory()
    if (groups[0] === undefined) throw new Error('no group')
    return markOf({ group: groups[0], volumes })
  }

  before(() => attachDisks())
  after(detachDisks)
  beforeEach(async () => {
    await wipe(disk(0), disk(1))
    node = await startNode()
  })
  afterEach(async () => {
    await node.close()
    await wipe(disk(0), disk(1))
  })

  it('freezes the group, also after a restart and under the same number, until a person accepts it', async () => {
    const group = await groupOn(node.volumes, disk(0))
    await node.volumes.createVolume(requestFor(group, 4n * MIB))
    await handMadeLvm('vgcfgbackup', '--file', COPY, GROUP)
    const second = await node.volumes.createVolume(requestFor(group, 4n * MIB))
    const before = await markNow()
    await handMadeLvm('vgcfgrestore', '--file', COPY, GROUP)
    const { unseen } = await node.volumes.inventory()
    expect(unseen[0], 'in the same process').to.include({ uuid: group.uuid, reason: 'MetadataWentBack' })

    await restart()
    const written = { expectedGroupUuid: group.uuid, expectedMark: before, acceptCommand: 'accept=' }
    const { group: shown, disks, problem } = await ensure(node.volumes, [disk(0)], written)
    expect(shown).to.equal(undefined)
    expect(disks[0]).to.include({ state: 'Accepted', reason: 'Member' })
    expect(problem?.reason).to.equal('MetadataWentBack')
    expect(await thrownBy(node.volumes.createVolume(requestFor(group, 4n * MIB)))).to.be.instanceOf(Frozen)
    expect(await thrownBy(node.volumes.findVolume(second.handle)), 'not "deleted"').to.be.instanceOf(Frozen)
    const found = await handMadeLvm('vgs', '--noheadings', '-o', 'vg_seqno', GROUP)
    expect(Number(found), 'LVM alone does not show it').to.equal(before.seqno)

    const ticket = /accept=(\S+)\)/.exec(problem?.message ?? '')?.[1] ?? ''
    const accepted = await ensure(node.volumes, [disk(0)], { ...written, acceptedStates: [ticket] })
    expect(accepted.problem).to.equal(undefined)
    expect(await node.volumes.findVolume(second.handle), 'gone with the newer state').to.equal(undefined)
    expect((await node.volumes.createVolume(requestFor(group, 4n * MIB))).sizeBytes).to.equal(4n * MIB)
  })

  it('is noticed when a disk with an old copy comes back alone', async () => {
    const group = await groupOn(node.volumes, disk(0), disk(1))
    const old = await pullDisk(disk(1))
    await handMadeLvm('vgreduce', '--removemissing', GROUP)
    await handMadeLvm('vgchange', '--addtag', 'later', GROUP)
    const { problem: none } = await ensure(node.volumes, [disk(0), disk(1)])
    expect(none?.reason).to.equal(undefined)
    const before = await markNow()
    const newer = await pullDisk(disk(0))
    try {
      await old.plug()
      await restart()
      const { problem } = await ensure(node.volumes, [disk(0), disk(1)], {
        expectedGroupUuid: group.uuid,
        expectedMark: before,
      })
      expect(problem?.reason).to.equal('MetadataWentBack')
    } finally {
      await newer.plug()
    }
  })

  it('is no surprise when a change came before it was written down', async () => {
    const group = await groupOn(node.volumes, disk(0))
    const before = await markNow()
    await node.volumes.createVolume(requestFor(group, 4n * MIB))
    await restart()
    const { problem } = await ensure(node.volumes, [disk(0)], {
      expectedGroupUuid: group.uuid,
      expectedMark: before,
    })
    expect(problem).to.equal(undefined)
  })
})
