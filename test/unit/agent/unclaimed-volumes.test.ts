import { expect } from 'chai'
import { unclaimedVolumes } from '../../../agent/unclaimed-volumes.ts'
import { viewPersistentVolume, type PersistentVolume } from '../../../agent/persistent-volume.ts'
import { decideReclaim } from '../../../agent/reclaim-decision.ts'
import type { VolumeRecord, VolumeState } from '../../../core/volume-tags.ts'
import type { LogicalVolume } from '../../../lvm/types.ts'

const OWNER = { nodeName: 'node1', clusterId: 'ours' }
const GROUP = 'KYbmKl-OObQ-pxf3-93R2-aWCZ-RoZh-FZMwWW'
const VOLUME = 'abcdef-OObQ-pxf3-93R2-aWCZ-RoZh-FZMwWW'
const nobody: ReadonlySet<string> = new Set()
const notHeld: ReadonlyMap<string, string> = new Map()

const volume = (name: string, change: Partial<VolumeRecord> | null = {}): LogicalVolume => ({
  handle: { groupUuid: GROUP, volumeUuid: VOLUME },
  groupName: 'loam-fast',
  name,
  sizeBytes: 8n << 20n,
  tags: [],
  record:
    change === null
      ? undefined
      : {
          ...{ state: 'used', clusterId: 'ours', claimUid: 'u1', claimNamespace: 'shop', claimName: 'cart' },
          ...{ storageClassName: 'fast', erase: 'zero', content: 'ext4' },
          ...change,
        },
  active: false,
  open: false,
  segmentType: 'linear',
  health: '',
  syncPercent: undefined,
})
const listed = (volumes: LogicalVolume[], known = { claimed: nobody, held: notHeld }) =>
  unclaimedVolumes(volumes, known, OWNER)
const one = (made: LogicalVolume) => {
  const [item] = listed([made]).items
  if (item === undefined) throw new Error('not listed')
  return item
}
/** The object that a command would make. */
const objectIn = (command: string | undefined): PersistentVolume => {
  const [, json = ''] = /^echo '([^']*)' \| kubectl create -f -$/.exec(command ?? '') ?? []
  return JSON.parse(json) as PersistentVolume
}

describe('agent/unclaimed-volumes', () => {
  it('leaves out what has a PersistentVolume, and what is new and collected by itself', () => {
    expect(listed([volume('pvc-u1')], { claimed: new Set([VOLUME]), held: notHeld }).names).to.deep.equal([])
    expect(listed([volume('pvc-u1', { state: 'new' })]).names).to.deep.equal([])
  })

  it('lists a new volume when the collector asks about it, or when it is of another cluster', () => {
    const made = volume('pvc-u1', { state: 'new' })
    const { names, items } = listed([made], { claimed: nobody, held: new Map([[VOLUME, 'too many']]) })
    expect(names).to.deep.equal(['pvc-u1'])
    expect(items[0]?.message).to.match(/; too many$/)
    expect(listed([volume('pvc-u1', { state: 'new', clusterId: 'theirs' })]).names).to.deep.equal(['pvc-u1'])
  })

  it('lists a new volume that a CSI call made: no collector removes it', () => {
    expect(listed([volume('pvc-u1', { state: 'new', madeBy: 'csi' })]).names).to.deep.equal(['pvc-u1'])
  })

  it('gives the command that adopts a used volume for a claim of the old name', () => {
    const item = one(volume('pvc-u1'))
    expect(item).to.include({ name: 'pvc-u1', uuid: VOLUME, size: '8Mi', state: 'used' })
    expect(item.message).to.equal('was made for PersistentVolumeClaim "shop/cart" and holds its data (8 MiB)')
    const { metadata, spec } = objectIn(item.adopt)
    expect(metadata).to.deep.include({ name: 'pvc-u1', labels: { 'loam.storage/node': 'node1' } })
    expect(spec.persistentVolumeReclaimPolicy).to.equal('Retain')
    expect(spec.claimRef).to.include({ namespace: 'shop', name: 'cart' }).and.not.to.have.property('uid')
    expect(spec.csi).to.deep.include({ volumeHandle: `${GROUP}/${VOLUME}`, fsType: 'ext4' })
  })

  it('gives a command that ends in its removal: Kubernetes releases what refers to a claim that is gone', () => {
    const object = objectIn(one(volume('pvc-u1')).remove)
    expect(object.spec.claimRef).to.include({ uid: 'u1' })
    const released = viewPersistentVolume({ ...object, status: { phase: 'Released' } })
    expect(decideReclaim(released)).to.deep.equal({ kind: 'delete' })
  })

  it('offers nothing but removal for a volume without data, and a block device as one', () => {
    for (const state of ['formatting', 'erasing'] satisfies VolumeState[])
      expect(one(volume('pvc-u1', { state })))
        .to.have.property('remove')
        .and.not.to.equal(undefined)
    expect(one(volume('pvc-u1', { state: 'erasing' }))).not.to.have.property('adopt')
    expect(objectIn(one(volume('pvc-u1', { content: 'block' })).adopt).spec).to.include({
      volumeMode: 'Block',
    })
  })

  it('lets nobody write zeros to a thin volume, which would fill its pool', () => {
    expect(one({ ...volume('by-hand', null), segmentType: 'thin' }).removeOnNode).to.match(
      /^lvremove -y \S+$/,
    )
  })

  it('gives only the command for the node where Loam itself touches nothing', () => {
    for (const strange of [volume('by-hand', null), volume('pvc-x', { clusterId: 'theirs' })]) {
      const item = one(strange)
      expect(item).not.to.have.any.keys('adopt', 'remove', 'state')
      expect(item.removeOnNode).to.match(
        /^lvchange -ay loam-fast\/\S+ && blkdiscard --zeroout .* && lvremove -y /,
      )
      expect(item.message).to.match(/Loam leaves it alone/)
    }
  })

  it('counts all, lists twenty, and leaves pools out', () => {
    const many = Array.from({ length: 25 }, (_unused, index) => volume(`pvc-${index}`))
    const { names, items } = listed([...many, { ...volume('pool', null), segmentType: 'thin-pool' }])
    expect([names.length, items.length]).to.deep.equal([25, 20])
  })
})
