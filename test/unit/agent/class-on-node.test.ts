import { expect } from 'chai'
import { capacityOf, refresh, type ClassOnNode } from '../../../agent/class-on-node.ts'
import type { Inventory, LogicalVolume, VolumeGroup } from '../../../lvm/types.ts'

const MIB = 1024n * 1024n
const group = (change: Partial<VolumeGroup> = {}): VolumeGroup => ({
  name: 'loam-fast',
  uuid: 'g1',
  sizeBytes: 1000n * MIB,
  freeBytes: 600n * MIB,
  extentSizeBytes: 4n * MIB,
  seqno: 5,
  tags: [],
  missingPhysicalVolumes: 0,
  physicalVolumes: [],
  ...change,
})
const volume = (groupUuid: string): LogicalVolume => ({
  handle: { groupUuid, volumeUuid: 'v' },
  groupName: 'x',
  name: 'pvc-1',
  sizeBytes: 4n * MIB,
  tags: [],
  record: undefined,
  active: false,
  open: false,
  segmentType: 'linear',
})
const inventory = (groups: VolumeGroup[], volumes: LogicalVolume[] = []): Inventory => ({
  groups,
  volumes,
  unseen: [],
})
const state = (change: Partial<ClassOnNode> = {}): ClassOnNode => ({
  name: 'fast',
  storageClass: undefined,
  nodeUid: 'n',
  generation: 1,
  disks: [],
  group: group(),
  problem: undefined,
  ...change,
})

describe('agent/class-on-node', () => {
  it('offers what is free, and counts the volumes of its own group only', () => {
    const now = inventory([group()], [volume('g1'), volume('g1'), volume('g2')])
    expect(capacityOf(state(), now)).to.deep.equal({
      sizeBytes: 1000n * MIB,
      freeBytes: 600n * MIB,
      largestVolumeBytes: 600n * MIB,
      volumes: 2,
    })
  })

  it('offers nothing while there is a problem, whatever LVM calls free', () => {
    const problem = { reason: 'DisksMissing', message: 'one is gone' }
    expect(capacityOf(state({ problem }), inventory([group()]))).to.include({
      freeBytes: 0n,
      largestVolumeBytes: 0n,
      sizeBytes: 1000n * MIB,
    })
  })

  it('offers nothing without a group', () => {
    expect(capacityOf(state({ group: undefined }), inventory([]))).to.deep.equal({
      sizeBytes: 0n,
      freeBytes: 0n,
      largestVolumeBytes: 0n,
      volumes: 0,
    })
  })

  it('takes the newer numbers of the same group', () => {
    expect(refresh(state(), inventory([group({ freeBytes: 4n * MIB, seqno: 6 })])).group).to.include({
      freeBytes: 4n * MIB,
      seqno: 6,
    })
  })

  it('does not take another group of the same name for its own', () => {
    const after = refresh(state(), inventory([group({ uuid: 'g2' })]))
    expect(after.group?.uuid).to.equal('g1')
    expect(capacityOf(after, inventory([group({ uuid: 'g2' })])).largestVolumeBytes).to.equal(0n)
    expect(after.problem?.reason).to.equal('VolumeGroupGone')
  })

  it('freezes when disks go missing, and thaws when they are back', () => {
    const frozen = refresh(state(), inventory([group({ missingPhysicalVolumes: 1 })]))
    expect(frozen.problem?.reason).to.equal('DisksMissing')
    expect(refresh(frozen, inventory([group()])).problem).to.equal(undefined)
  })

  it('says why a group cannot be seen, offers nothing of it, and thaws when it is back', () => {
    const unseen = [{ name: 'loam-fast', uuid: 'g1', reason: 'NotSeen', message: 'its disks are away' }]
    const frozen = refresh(state(), { groups: [], volumes: [], unseen })
    expect(frozen.problem).to.deep.equal({ reason: 'NotSeen', message: 'its disks are away' })
    expect(capacityOf(frozen, { groups: [], volumes: [], unseen })).to.include({
      freeBytes: 0n,
      largestVolumeBytes: 0n,
    })
    expect(refresh(frozen, inventory([group()])).problem).to.equal(undefined)
  })

  it('keeps a problem that disks have nothing to do with', () => {
    const problem = { reason: 'ForeignGroup', message: 'not ours' }
    expect(refresh(state({ problem }), inventory([group()])).problem).to.deep.equal(problem)
  })
})
