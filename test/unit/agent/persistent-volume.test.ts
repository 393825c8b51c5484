import { expect } from 'chai'
import { viewClaim } from '../../../kube/claim-view.ts'
import { viewClass } from '../../../kube/class-view.ts'
import {
  mountOptionsIn,
  persistentVolumeFor,
  viewPersistentVolume,
  type PersistentVolume,
  type PersistentVolumeView,
} from '../../../agent/persistent-volume.ts'

const groupUuid = 'n2SgQX-9a1w-2Bhd-Sg8Q-yfbi-0D2l-1g5KqW'
const volumeUuid = 'Zx81bC-1111-2222-3333-4444-5555-abcdef'

const make = (
  volumeMode: 'Filesystem' | 'Block',
  parameters: Record<string, string> = {},
): PersistentVolume => {
  const storageClass = viewClass({
    metadata: { name: 'fast', uid: 'class-uid' },
    provisioner: 'loam.storage',
    parameters: { volumeGroup: 'loam-fast', ...parameters },
    reclaimPolicy: 'Retain',
    mountOptions: ['noatime'],
  })
  if (storageClass === undefined || 'error' in storageClass.settings) throw new Error('the class is sound')
  const claim = viewClaim({
    metadata: { namespace: 'databases', name: 'data-0', uid: 'uid-1' },
    spec: { accessModes: ['ReadWriteOnce'], volumeMode, resources: { requests: { storage: '10Mi' } } },
  })
  const volume = {
    handle: { groupUuid, volumeUuid },
    groupName: 'loam-fast',
    name: 'pvc-uid-1',
    sizeBytes: 12n << 20n,
    tags: [],
    record: undefined,
    active: false,
    open: false,
    segmentType: 'linear',
    health: '',
    syncPercent: undefined,
  }
  return persistentVolumeFor({
    claim,
    storageClass,
    parameters: storageClass.settings.parameters,
    volume,
    nodeName: 'node1',
  })
}

describe('agent/persistent-volume', () => {
  it('has all that can never be changed later', () => {
    const { metadata, spec } = make('Filesystem', {
      'csi.storage.k8s.io/fstype': 'xfs',
      mkfsOptions: '-m reflink=1',
    })
    expect(metadata).to.deep.equal({
      name: 'pvc-uid-1',
      labels: { 'loam.storage/node': 'node1' },
      annotations: { 'pv.kubernetes.io/provisioned-by': 'loam.storage' },
      finalizers: ['loam.storage/logical-volume'],
    })
    expect(spec.capacity).to.deep.equal({ storage: '12Mi' })
    expect(spec.claimRef).to.deep.equal({
      apiVersion: 'v1',
      kind: 'PersistentVolumeClaim',
      namespace: 'databases',
      name: 'data-0',
      uid: 'uid-1',
    })
    expect(spec.csi).to.deep.equal({
      driver: 'loam.storage',
      volumeHandle: `${groupUuid}/${volumeUuid}`,
      fsType: 'xfs',
      volumeAttributes: { 'loam.storage/mkfsOptions': '-m reflink=1' },
    })
    expect(spec).to.include({
      persistentVolumeReclaimPolicy: 'Retain',
      storageClassName: 'fast',
      volumeMode: 'Filesystem',
    })
    expect(spec.mountOptions).to.deep.equal(['noatime'])
    expect(spec.nodeAffinity).to.deep.equal({
      required: {
        nodeSelectorTerms: [
          { matchExpressions: [{ key: 'topology.loam.storage/node', operator: 'In', values: ['node1'] }] },
        ],
      },
    })
  })

  it('names no file system for a block volume', () =>
    expect(make('Block').spec.csi).not.to.have.property('fsType'))

  it('is read back as ours', () => {
    expect(viewPersistentVolume(make('Block')).handle).to.deep.equal({ groupUuid, volumeUuid })
  })

  it('has no handle when the driver or the handle is not ours', () => {
    const object = make('Block')
    const csi = { driver: 'other', volumeHandle: `${groupUuid}/${volumeUuid}` }
    expect(viewPersistentVolume({ ...object, spec: { ...object.spec, csi } }).handle).to.equal(undefined)
    const odd = { driver: 'loam.storage', volumeHandle: 'sda' }
    expect(viewPersistentVolume({ ...object, spec: { ...object.spec, csi: odd } }).handle).to.equal(undefined)
  })
})

describe('mountOptionsIn', () => {
  const handle = { groupUuid, volumeUuid }
  const copyOf = (volumes: PersistentVolume[], trouble?: string) => ({
    trouble,
    entries: () =>
      volumes
        .map(
          (volume) =>
            [volume.metadata.name ?? '', viewPersistentVolume(volume)] as [string, PersistentVolumeView],
        )
        .values(),
  })
  const sound = make('Filesystem')
  const withOptions = (mountOptions: string[]): PersistentVolume => ({
    ...sound,
    metadata: { name: 'by-hand' },
    spec: { ...sound.spec, mountOptions },
  })

  it('has what all PersistentVolumes of the volume say', () => {
    expect(mountOptionsIn(copyOf([sound, withOptions(['discard'])]), handle)).to.deep.equal([
      'noatime',
      'discard',
    ])
    expect(mountOptionsIn(copyOf([withOptions([])]), handle)).to.deep.equal([])
  })

  it('knows nothing of a volume without one, before the first list, and while the copy may be old', () => {
    expect(mountOptionsIn(copyOf([sound]), { groupUuid, volumeUuid: 'other' })).to.equal(undefined)
    expect(mountOptionsIn(undefined, handle)).to.equal(undefined)
    expect(mountOptionsIn(copyOf([sound], 'connection refused'), handle)).to.equal(undefined)
  })
})
