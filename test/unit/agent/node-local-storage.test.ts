import { expect } from 'chai'
import { nodeLocalStorageFor, specPatch, statusFor } from '../../../agent/node-local-storage.ts'
import { saysTheSame } from '../../../agent/report-content.ts'
import type { ClassOnNode } from '../../../agent/class-on-node.ts'
import type { DiskVerdict, LogicalVolume, VolumeGroup } from '../../../lvm/types.ts'

const identity = { nodeName: 'node1', clusterId: 'c', namespace: 'loam-system' }
const parameters = { volumeGroup: 'loam-fast', layout: { name: 'linear' } } as const
const made = nodeLocalStorageFor(identity, 'fast', parameters, ['/dev/sda'])
const existing = { ...made, metadata: { ...made.metadata, resourceVersion: '3', generation: 2, uid: 'u' } }

const group: VolumeGroup = {
  name: 'loam-fast',
  uuid: 'g1',
  sizeBytes: 1n << 30n,
  freeBytes: 1n << 30n,
  extentSizeBytes: 4n << 20n,
  seqno: 5,
  tags: [],
  missingPhysicalVolumes: 0,
  physicalVolumes: [],
}
const refusedDisk: DiskVerdict = {
  path: '/dev/sdb',
  state: 'Refused',
  id: '',
  sizeBytes: 0n,
  devicePath: '/dev/sdb',
  reason: 'HasFileSystem',
  message: 'it has an ext4 file system',
}
const state = (change: Partial<ClassOnNode> = {}): ClassOnNode => ({
  name: 'fast',
  storageClass: undefined,
  nodeUid: 'n',
  generation: 2,
  disks: [],
  group,
  problem: undefined,
  ...change,
})
const capacity = {
  ...{ sizeBytes: 1n << 30n, freeBytes: 1n << 30n, usableBytes: 1n << 30n },
  ...{ largestVolumeBytes: 1n << 30n, volumes: 0 },
}
const volume = (tags: string[]): LogicalVolume => ({
  handle: { groupUuid: 'g1', volumeUuid: 'v1' },
  groupName: 'loam-fast',
  name: 'pvc-1',
  sizeBytes: 4n << 20n,
  tags,
  record: undefined,
  active: false,
  open: false,
  segmentType: 'linear',
  health: '',
  syncPercent: undefined,
})
const early = new Date('2026-01-01T00:00:00.123Z')
const late = new Date('2026-01-01T01:00:00.456Z')
const report = (
  change: Partial<ClassOnNode> = {},
  volumes: LogicalVolume[] = [],
  now = early,
  object = existing,
): typeof made =>
  statusFor({
    ...{ existing: object, state: state(change), capacity, room: undefined, volumes, now },
    unclaimed: { names: [], items: [] },
  })
const conditionOf = (object: typeof made, type: string): unknown =>
  object.status?.conditions?.find((condition) => condition.type === type)

describe('agent/node-local-storage', () => {
  it('changes nothing when the object has all that the class lists', () => {
    expect(specPatch(existing, made)).to.equal(undefined)
  })

  it('adds a disk that the class lists, and keeps one that an administrator added', () => {
    const edited = { ...existing, spec: { ...existing.spec, disks: [{ path: '/dev/sdz' }] } }
    expect(specPatch(edited, made)?.spec.disks).to.deep.equal([{ path: '/dev/sdz' }, { path: '/dev/sda' }])
    expect(specPatch(edited, made)?.metadata.resourceVersion).to.equal('3')
  })

  it('never takes a disk off the list', () => {
    const shorter = nodeLocalStorageFor(identity, 'fast', parameters, [])
    expect(specPatch(existing, shorter)).to.equal(undefined)
  })

  it('reports quantities, generation and a time without fractions', () => {
    const { status } = report()
    expect(status?.volumeGroup).to.include({
      name: 'loam-fast',
      size: '1Gi',
      free: '1Gi',
      extentSize: '4Mi',
      seqno: 5,
    })
    expect(status?.observedGeneration).to.equal(2)
    expect(status?.lastReportTime).to.equal('2026-01-01T00:00:00Z')
  })

  it('is ready when there is no problem, and says which disk is not used', () => {
    const object = report({ disks: [refusedDisk] })
    expect(conditionOf(object, 'Ready')).to.include({ status: 'True', reason: 'VolumeGroupReady' })
    expect(conditionOf(object, 'DisksAccepted')).to.include({
      status: 'False',
      reason: 'DisksNotUsed',
      message: '/dev/sdb: Refused, it has an ext4 file system',
    })
  })

  it('keeps the time of the last transition while a condition stays as it is', () => {
    const before = { ...report(), metadata: existing.metadata }
    expect(conditionOf(report({}, [], late, before), 'Ready')).to.include({
      lastTransitionTime: '2026-01-01T00:00:00Z',
    })
    const problem = { reason: 'DisksMissing', message: 'gone' }
    expect(conditionOf(report({ problem }, [], late, before), 'Ready')).to.include({
      status: 'False',
      lastTransitionTime: '2026-01-01T01:00:00Z',
    })
  })

  it('has another digest when a tag changes, and the same when only their order does', () => {
    const digest = (tags: string[]): string | undefined =>
      report({}, [volume(tags)]).status?.volumeGroup?.digest
    expect(digest(['a', 'b'])).to.equal(digest(['b', 'a']))
    expect(digest(['a', 'b'])).not.to.equal(digest(['a', 'c']))
  })

  it('has no group in its status while there is none', () => {
    expect(report({ group: undefined }).status).not.to.have.property('volumeGroup')
  })

  it('remembers the UUID of a group that is not to be seen, and offers nothing of it', () => {
    const before = { ...report(), metadata: existing.metadata }
    expect(report({ group: undefined }, [], late, before).status?.volumeGroup).to.include({
      uuid: 'g1',
      size: '1Gi',
      free: '0',
      largestVolume: '0',
    })
  })

  it('says the same when only the time differs', () => {
    const before = { ...report(), metadata: existing.metadata }
    expect(saysTheSame(report({}, [], early, before), report({}, [], late, before))).to.equal(true)
    expect(saysTheSame(report(), report({ disks: [refusedDisk] }))).to.equal(false)
  })
})
