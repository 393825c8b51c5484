import { expect } from 'chai'
import { capacityOf, refresh, type ClassOnNode } from '../../../agent/class-on-node.ts'
import { viewClass } from '../../../kube/class-view.ts'
import type {
  CreateVolumeRequest,
  Inventory,
  LogicalVolume,
  PhysicalVolume,
  VolumeGroup,
} from '../../../lvm/types.ts'

const MIB = 1024n * 1024n
const disk = (freeMib: bigint, change: Partial<PhysicalVolume> = {}): PhysicalVolume => ({
  ...{ uuid: `d${freeMib}`, devicePath: `/dev/d${freeMib}`, sizeBytes: 500n * MIB, freeBytes: freeMib * MIB },
  ...{ freeRuns: [{ first: 0n, count: freeMib / 4n }], firstExtentAtBytes: MIB },
  ...{ missing: false, allocatable: true, tags: [] },
  ...change,
})
const group = (change: Partial<VolumeGroup> = {}): VolumeGroup => ({
  name: 'loam-fast',
  uuid: 'g1',
  sizeBytes: 1000n * MIB,
  freeBytes: 600n * MIB,
  extentSizeBytes: 4n * MIB,
  seqno: 5,
  tags: [],
  missingPhysicalVolumes: 0,
  physicalVolumes: [disk(400n), disk(200n)],
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
  health: '',
  syncPercent: undefined,
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
      usableBytes: 600n * MIB,
      largestVolumeBytes: 600n * MIB,
      volumes: 2,
    })
  })

  it('offers no more what volumes take that are being made', () => {
    const request: CreateVolumeRequest = {
      ...{ groupName: 'loam-fast', groupUuid: 'g1', name: 'pvc-2', sizeBytes: 150n * MIB },
      ...{ layout: { name: 'linear' } as const, record: {} as CreateVolumeRequest['record'] },
    }
    const now = { ...inventory([group()], [volume('g1')]), inCreation: [request] }
    expect(capacityOf(state(), now)).to.include({
      ...{ freeBytes: 448n * MIB, usableBytes: 448n * MIB, largestVolumeBytes: 448n * MIB, volumes: 1 },
    })
  })

  const classWith = (layout: string) =>
    viewClass({
      metadata: { name: 'fast' },
      provisioner: 'loam.storage',
      parameters: { volumeGroup: 'loam-fast', layout },
    })

  it('offers what the class can make of it with its layout', () => {
    const mirrored = state({ storageClass: classWith('raid1') })
    expect(capacityOf(mirrored, inventory([group()]))).to.include({
      freeBytes: 600n * MIB,
      usableBytes: 196n * MIB,
      largestVolumeBytes: 196n * MIB,
    })
  })

  it('offers for a thin class what its pool can come to have, times the ratio, less what its volumes have', () => {
    const tagged = group({ tags: ['loam.owner=loam.storage', 'loam.cluster=c'] })
    const thin = (overprovisionRatio: string) =>
      state({
        group: tagged,
        storageClass: viewClass({
          metadata: { name: 'fast' },
          provisioner: 'loam.storage',
          parameters: { volumeGroup: 'loam-fast', layout: 'thin', overprovisionRatio },
        }),
      })
    const none = capacityOf(thin('1.0'), inventory([tagged]))
    // metadata and its spare are an extent each
    expect(none).to.include({
      freeBytes: 600n * MIB,
      usableBytes: 592n * MIB,
      largestVolumeBytes: 592n * MIB,
    })
    expect(capacityOf(thin('1.5'), inventory([tagged]))).to.include({ largestVolumeBytes: 888n * MIB })

    const pool: LogicalVolume = {
      ...{ ...volume('g1'), name: 'thinpool', sizeBytes: 100n * MIB, segmentType: 'thin-pool' },
      tags: [...tagged.tags, 'loam.pool=thin'],
      pool: { metadataBytes: 4n * MIB, chunkBytes: 65536n, zeroes: true },
    }
    const used: LogicalVolume = {
      ...volume('g1'),
      sizeBytes: 80n * MIB,
      segmentType: 'thin',
      poolName: 'thinpool',
    }
    expect(capacityOf(thin('1.5'), inventory([tagged], [pool, used]))).to.include({
      largestVolumeBytes: 968n * MIB,
      volumes: 1,
    })
  })

  it('offers nothing to a thin class without a pool where thin_check cannot be run', () => {
    const thin = state({ storageClass: classWith('thin') })
    const without = { ...inventory([group()]), thinCheckFault: 'ENOENT' }
    const found = refresh(thin, without)
    expect(found.problem?.reason).to.equal('ThinCheckMissing')
    expect(found.problem?.message).to.match(/"loam-fast\/thinpool" is not made .*ENOENT; install the package/)
    expect(capacityOf(found, without)).to.include({ usableBytes: 0n, largestVolumeBytes: 0n })
    expect(refresh(state({ storageClass: classWith('linear') }), without).problem).to.equal(undefined)
    expect(refresh(found, inventory([group()])).problem).to.equal(undefined)
  })

  it('offers nothing of disks that are closed for new volumes', () => {
    const physicalVolumes = [disk(400n), disk(200n, { allocatable: false })]
    const closed = group({ physicalVolumes })
    expect(capacityOf(state({ group: closed }), inventory([closed]))).to.include({
      freeBytes: 400n * MIB,
      largestVolumeBytes: 400n * MIB,
    })
  })

  it('says when the group has too few disks for the layout, until it has more', () => {
    const few = state({ storageClass: classWith('raid5') })
    const found = refresh(few, inventory([group()]))
    expect(found.problem?.reason).to.equal('TooFewDisks')
    expect(found.problem?.message).to.match(/has 2 disks open for new volumes, .* raid5 over 3 disks/)
    const more = group({ physicalVolumes: [disk(400n), disk(200n), disk(100n)] })
    expect(refresh(found, inventory([more])).problem).to.equal(undefined)
  })

  it('says when something else has the name of the thin pool, until it has another', () => {
    const thin = state({ storageClass: classWith('thin') })
    const squatter = { ...volume('g1'), name: 'thinpool' }
    const found = refresh(thin, inventory([group()], [squatter]))
    expect(found.problem?.reason).to.equal('ThinPoolUnusable')
    expect(found.problem?.message).to.match(
      /fast\/thinpool" cannot be .*: its name is taken by a linear volume/,
    )
    expect(refresh(found, inventory([group()], [{ ...squatter, name: 'other' }])).problem).to.equal(undefined)
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
      usableBytes: 0n,
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
