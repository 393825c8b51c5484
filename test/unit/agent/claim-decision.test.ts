import { expect } from 'chai'
import { decideClaim, type ClaimDecision, type ClaimSituation } from '../../../agent/claim-decision.ts'
import { viewClaim, type PersistentVolumeClaim } from '../../../kube/claim-view.ts'
import { viewClass } from '../../../kube/class-view.ts'
import { UNERASED_TAG } from '../../../core/volume-tags.ts'
import type { VolumeGroup } from '../../../lvm/types.ts'

const MIB = 1024n * 1024n

const claimObject = (
  spec: Partial<PersistentVolumeClaim['spec']> = {},
  metadata: Partial<PersistentVolumeClaim['metadata']> = {},
): PersistentVolumeClaim => ({
  metadata: {
    namespace: 'databases',
    name: 'data-0',
    uid: 'uid-1',
    resourceVersion: '7',
    annotations: {
      'volume.kubernetes.io/selected-node': 'node1',
      'volume.kubernetes.io/storage-provisioner': 'loam.storage',
    },
    ...metadata,
  },
  spec: {
    storageClassName: 'fast',
    accessModes: ['ReadWriteOnce'],
    resources: { requests: { storage: '10Mi' } },
    ...spec,
  },
})

const classOf = (parameters: Record<string, string> = {}): ClaimSituation['storageClass'] =>
  viewClass({
    metadata: { name: 'fast', uid: 'class-uid' },
    provisioner: 'loam.storage',
    parameters: { volumeGroup: 'loam-fast', ...parameters },
  })

const group: VolumeGroup = {
  name: 'loam-fast',
  uuid: 'group-uuid',
  sizeBytes: 1000n * MIB,
  freeBytes: 1000n * MIB,
  extentSizeBytes: 4n * MIB,
  seqno: 1,
  tags: [],
  missingPhysicalVolumes: 0,
  physicalVolumes: [],
}

const decide = (object: PersistentVolumeClaim, change: Partial<ClaimSituation> = {}): ClaimDecision =>
  decideClaim({
    claim: viewClaim(object),
    nodeName: 'node1',
    clusterId: 'cluster-1',
    storageClass: classOf(),
    nodeLabels: {},
    group,
    groupProblem: undefined,
    ...change,
  })

describe('agent/claim-decision', () => {
  it('makes a volume of whole extents that carries everything about its claim', () => {
    const decision = decide(claimObject())
    expect(decision.kind === 'create' ? decision.request : decision).to.deep.equal({
      groupName: 'loam-fast',
      groupUuid: 'group-uuid',
      name: 'pvc-uid-1',
      sizeBytes: 12n * MIB,
      layout: { name: 'linear' },
      record: {
        state: 'new',
        clusterId: 'cluster-1',
        claimUid: 'uid-1',
        claimNamespace: 'databases',
        claimName: 'data-0',
        storageClassName: 'fast',
        erase: 'zero',
        content: 'ext4',
      },
    })
  })

  it('records a block volume as one', () => {
    const decision = decide(claimObject({ volumeMode: 'Block' }))
    expect(decision.kind === 'create' && decision.request.record.content).to.equal('block')
  })

  const annotations = (changed: Record<string, string>): Partial<PersistentVolumeClaim['metadata']> => ({
    annotations: changed,
  })
  const ignored: [string, PersistentVolumeClaim][] = [
    [
      'a claim for another node',
      claimObject(
        {},
        annotations({
          'volume.kubernetes.io/selected-node': 'node2',
          'volume.kubernetes.io/storage-provisioner': 'loam.storage',
        }),
      ),
    ],
    [
      'a claim without selected node, although our provisioner is asked',
      claimObject({}, annotations({ 'volume.kubernetes.io/storage-provisioner': 'loam.storage' })),
    ],
    [
      'a claim with an empty selected node',
      claimObject(
        {},
        annotations({
          'volume.kubernetes.io/selected-node': '',
          'volume.kubernetes.io/storage-provisioner': 'loam.storage',
        }),
      ),
    ],
    [
      'a claim that asks nobody yet',
      claimObject({}, annotations({ 'volume.kubernetes.io/selected-node': 'node1' })),
    ],
    [
      'a claim of another provisioner',
      claimObject(
        {},
        annotations({
          'volume.kubernetes.io/selected-node': 'node1',
          'volume.kubernetes.io/storage-provisioner': 'other',
        }),
      ),
    ],
    ['a claim that names a volume', claimObject({ volumeName: 'pv-1' })],
    ['a claim that is being deleted', claimObject({}, { deletionTimestamp: '2026-01-01T00:00:00Z' })],
    [
      'a claim that a populator fills, whose kind has the name of one of ours',
      claimObject({ dataSourceRef: { apiGroup: 'example.com', kind: 'VolumeSnapshot', name: 'a' } }),
    ],
    [
      'a claim that a populator fills',
      claimObject({ dataSourceRef: { apiGroup: 'example.com', kind: 'Archive', name: 'a' } }),
    ],
  ]
  for (const [what, object] of ignored)
    it(`leaves alone ${what}`, () => expect(decide(object).kind).to.equal('ignore'))

  it('serves a claim that only the older annotation gives to us', () => {
    const older = annotations({
      'volume.kubernetes.io/selected-node': 'node1',
      'volume.beta.kubernetes.io/storage-provisioner': 'loam.storage',
    })
    expect(decide(claimObject({}, older)).kind).to.equal('create')
  })

  const refused: [string, PersistentVolumeClaim, Partial<ClaimSituation>, string, RegExp][] = [
    [
      'a class that is not there',
      claimObject(),
      { storageClass: undefined },
      'ClassNotFound',
      /StorageClass "fast" does not exist/,
    ],
    [
      'faulty parameters',
      claimObject(),
      { storageClass: classOf({ layout: 'raid7' }) },
      'InvalidParameters',
      /"layout" is "raid7"/,
    ],
    [
      'a thin pool with the name of a volume',
      claimObject(),
      { storageClass: classOf({ layout: 'thin', thinPool: 'pvc-1' }) },
      'InvalidParameters',
      /"thinPool" is "pvc-1"/,
    ],
    [
      'a snapshot to restore',
      claimObject({ dataSource: { apiGroup: 'snapshot.storage.k8s.io', kind: 'VolumeSnapshot', name: 's' } }),
      {},
      'DataSourceNotSupported',
      /VolumeSnapshot "s"/,
    ],
    [
      'a selector',
      claimObject({ selector: { matchLabels: {} } }),
      {},
      'SelectorNotSupported',
      /spec.selector/,
    ],
    [
      'ReadWriteMany',
      claimObject({ accessModes: ['ReadWriteOnce', 'ReadWriteMany'] }),
      {},
      'AccessModeNotSupported',
      /allowed for a node-local volume are ReadWriteOnce/,
    ],
    [
      'no access mode',
      claimObject({ accessModes: [] }),
      {},
      'AccessModeNotSupported',
      /access modes are \[\]/,
    ],
    ['no size', claimObject({ resources: {} }), {}, 'InvalidSize', /storage request is ""/],
    [
      'a size that is no quantity',
      claimObject({ resources: { requests: { storage: 'big' } } }),
      {},
      'InvalidSize',
      /"big"/,
    ],
    [
      'a size over int64',
      claimObject({ resources: { requests: { storage: '9223372036854775808' } } }),
      {},
      'InvalidSize',
      /allowed are quantities/,
    ],
    [
      'a size of nothing',
      claimObject({ resources: { requests: { storage: '0' } } }),
      {},
      'InvalidSize',
      /storage request is "0": allowed are quantities from 1 byte to 9223372036854775807 bytes/,
    ],
    ['8 EiB', claimObject({ resources: { requests: { storage: '8Ei' } } }), {}, 'InvalidSize', /"8Ei"/],
    [
      'a limit below the request',
      claimObject({ resources: { requests: { storage: '10Mi' }, limits: { storage: '9Mi' } } }),
      {},
      'LimitTooLow',
      /storage request is 10Mi, and resources.limits.storage is "9Mi": raise the limit/,
    ],
    [
      'a limit that whole extents exceed',
      claimObject({ resources: { requests: { storage: '10Mi' }, limits: { storage: '11Mi' } } }),
      {},
      'LimitTooLow',
      /10Mi is 12582912 bytes in whole extents of 4 MiB, and resources.limits.storage is "11Mi"/,
    ],
    [
      'an unknown parameter',
      claimObject(),
      { storageClass: classOf({ colour: 'red' }) },
      'InvalidParameters',
      /"colour"/,
    ],
    [
      'a claim to clone',
      claimObject({ dataSource: { kind: 'PersistentVolumeClaim', name: 'c' } }),
      {},
      'DataSourceNotSupported',
      /PersistentVolumeClaim "c"/,
    ],
    [
      'ReadWriteMany alone',
      claimObject({ accessModes: ['ReadWriteMany'] }),
      {},
      'AccessModeNotSupported',
      /\[ReadWriteMany\]: allowed for a node-local volume are ReadWriteOnce, ReadWriteOncePod, ReadOnlyMany/,
    ],
    [
      'xfs under 300 MiB',
      claimObject({ resources: { requests: { storage: '296Mi' } } }),
      { storageClass: classOf({ 'csi.storage.k8s.io/fstype': 'xfs' }) },
      'TooSmallForFileSystem',
      /xfs needs at least 300 MiB/,
    ],
    [
      'a block volume of a class that erases nothing',
      claimObject({ volumeMode: 'Block' }),
      { storageClass: classOf({ erase: 'none' }) },
      'EraseNoneNeedsFileSystem',
      /volumeMode is Block.*erase "none".*use a class with erase "zero"/,
    ],
  ]
  for (const [what, object, change, reason, message] of refused) {
    it(`refuses ${what}, and does not send it to another node`, () => {
      const decision = decide(object, change)
      expect(decision.kind).to.equal('refuse')
      if (decision.kind !== 'refuse') return
      expect(decision.reason).to.equal(reason)
      expect(decision.message).to.match(message)
    })
  }

  for (const accessModes of [
    ['ReadWriteOnce'],
    ['ReadWriteOncePod'],
    ['ReadOnlyMany'],
    ['ReadWriteOnce', 'ReadOnlyMany'],
  ])
    it(`serves ${accessModes.join(' and ')}`, () =>
      expect(decide(claimObject({ accessModes })).kind).to.equal('create'))

  const sizes: [string, bigint][] = [
    ['1', 4n * MIB],
    ['4Mi', 4n * MIB],
    ['4194305', 8n * MIB],
    ['1500m', 4n * MIB],
  ]
  for (const [storage, sizeBytes] of sizes)
    it(`rounds a block volume of ${storage} up to whole extents`, () => {
      const decision = decide(claimObject({ volumeMode: 'Block', resources: { requests: { storage } } }))
      expect(decision.kind === 'create' && decision.request.sizeBytes).to.equal(sizeBytes)
    })

  it('serves a claim whose limit leaves room for whole extents', () => {
    const resources = { requests: { storage: '10Mi' }, limits: { storage: '12Mi' } }
    expect(decide(claimObject({ resources })).kind).to.equal('create')
  })

  it('gives a claim back from a node that allowedTopologies leave out, naming them', () => {
    const base = classOf()
    if (base === undefined) throw new Error('the class is sound')
    const terms = [{ matchLabelExpressions: [{ key: 'zone', values: ['a', 'b'] }] }]
    const storageClass = { ...base, allowedTopologies: terms }
    expect(decide(claimObject(), { storageClass, nodeLabels: { zone: 'c' } })).to.deep.equal({
      kind: 'reschedule',
      reason: 'TopologyNotAllowed',
      message: 'its labels do not match allowedTopologies of StorageClass "fast": zone in (a, b)',
    })
    expect(decide(claimObject(), { storageClass, nodeLabels: { zone: 'b' } }).kind).to.equal('create')
  })

  it('refuses mount options that no mount would take, before a pod is bound to this node', () => {
    const base = classOf()
    if (base === undefined) throw new Error('the class is sound')
    const decision = decide(claimObject(), { storageClass: { ...base, mountOptions: ['noatime', 'bind'] } })
    expect(decision).to.include({ kind: 'refuse', reason: 'InvalidMountOptions' })
    expect(decide(claimObject(), { storageClass: { ...base, mountOptions: ['noatime'] } }).kind).to.equal(
      'create',
    )
  })

  it('gives the claim back when this node has no group', () => {
    expect(decide(claimObject(), { group: undefined })).to.include({
      kind: 'reschedule',
      reason: 'NoVolumeGroup',
    })
  })

  it('gives the claim back when the group has a problem, naming the problem', () => {
    const decision = decide(claimObject(), {
      groupProblem: { reason: 'DisksMissing', message: 'a disk is missing' },
    })
    expect(decision).to.deep.equal({
      kind: 'reschedule',
      reason: 'DisksMissing',
      message: 'a disk is missing',
    })
  })

  it('gives a block volume back, and no file system, where space was let go unerased', () => {
    const unerased = { group: { ...group, tags: [UNERASED_TAG] } }
    expect(decide(claimObject(), unerased).kind).to.equal('create')
    expect(decide(claimObject({ volumeMode: 'Block' }), unerased)).to.include({
      kind: 'reschedule',
      reason: 'UnerasedSpace',
    })
  })
})
