import { randomUUID } from 'node:crypto'
import { expect } from 'chai'
import type { PersistentVolume } from '../../../agent/persistent-volume.ts'
import { formatVolumeHandle, NODE_LABEL, VOLUME_FINALIZER, volumeNameForClaim } from '../../../core/naming.ts'
import type { VolumeState } from '../../../core/volume-tags.ts'
import { SELECTED_NODE } from '../../../kube/claim-view.ts'
import { NODES, PERSISTENT_VOLUMES, STORAGE_CLASSES } from '../../../kube/resources.ts'
import type { CreateVolumeRequest, LogicalVolume } from '../../../lvm/types.ts'
import { eventually } from '../../support/eventually.ts'
import { OURS, THEIRS } from '../daemonset/installed.ts'
import { CUSTOM_RESOURCE_DEFINITIONS, installDefinition } from './definition.ts'
import { preconditionsOf } from './fixture.ts'
import { GROUP } from './memory-volumes.ts'
import { useOneNode } from './reclaim-fixture.ts'

const SIZE_BYTES = 8n << 20n
const DEFINITION = { name: 'nodelocalstorages.loam.storage' }

describe('reclaim, in a real API server with the controllers that bind and protect volumes', function () {
  this.timeout(120_000)
  const node = useOneNode()
  let count = 0
  /** A claim name that no other test has. */
  let claim: string

  /** Holds the creation of volumes; gives what tells that one has begun, and what lets it go on. */
  const holdCreation = () => {
    const begun = Promise.withResolvers<CreateVolumeRequest>()
    const goOn = Promise.withResolvers<undefined>()
    node.volumes.onCreate = (request) => {
      begun.resolve(request)
      return goOn.promise
    }
    return { begun: begun.promise, goOn: () => goOn.resolve(undefined) }
  }
  const noVolume = (name: string): Promise<unknown> =>
    eventually(`logical volume ${name} is gone`, () => !node.volumes.made.has(name))
  /** A logical volume for which there is neither a claim nor a PersistentVolume. */
  const leftBehind = (clusterId: string, state: VolumeState): LogicalVolume => {
    const claimUid = randomUUID()
    const record = {
      ...{ state, clusterId, claimUid, claimNamespace: 'default', claimName: `gone-${claimUid}` },
      ...({ storageClassName: 'fast', erase: 'zero', content: 'ext4' } as const),
    }
    return node.volumes.put({
      ...{ name: volumeNameForClaim(claimUid), sizeBytes: SIZE_BYTES, groupName: GROUP.name },
      record,
    })
  }
  const isUsed = (name: string): boolean => node.volumes.made.get(name)?.record?.state === 'used'
  /** A claim that only takes the PersistentVolume of that name. */
  const claimFor = (volumeName: string): Promise<string> =>
    node.makeClaim(claim, 'by-hand', { node: '', spec: { volumeName } })

  before(async () => {
    await node.makeClass('fast', { allowVolumeExpansion: true })
    await node.makeClass('kept', { reclaimPolicy: 'Retain' })
    await node.makeClass('by-hand', { allowVolumeExpansion: true })
  })
  beforeEach(() => {
    claim = `claim-${(count += 1)}`
  })

  describe('of a claim that is deleted', () => {
    it('before its volume is made makes none', async () => {
      const name = volumeNameForClaim(await node.makeClaim(claim, 'fast'))
      await node.deleteClaim(claim)
      await node.startAgent()
      await node.usedVolume(`${claim}-next`, 'fast')
      expect(node.volumes.made.has(name)).to.equal(false)
    })

    it('while its volume is made takes the volume back, and makes no PersistentVolume', async () => {
      const { begun, goOn } = holdCreation()
      await node.startAgent()
      const name = volumeNameForClaim(await node.makeClaim(claim, 'fast'))
      await begun
      await node.deleteClaim(claim)
      goOn()
      await eventually('the volume is made', () => node.volumes.created.includes(name))
      await noVolume(name)
      expect(await node.persistentVolume(name)).to.equal(undefined)
    })

    it('afterwards removes the volume, and a new claim of its name gets another', async () => {
      await node.startAgent()
      const first = await node.usedVolume(claim, 'fast')
      await node.deleteClaim(claim)
      await eventually('the claim is gone', async () => (await node.claim(claim)) === undefined)
      const second = await node.usedVolume(claim, 'fast')
      await node.gone(first)
      expect(node.volumes.made.has(first)).to.equal(false)
      expect(second).not.to.equal(first)
      expect(isUsed(second)).to.equal(true)
    })

    it('while no agent runs removes it when one is back', async () => {
      await node.startAgent()
      const name = await node.usedVolume(claim, 'fast')
      await node.stop()
      await node.deleteClaim(claim)
      await node.phase(name, 'Released')
      expect(isUsed(name)).to.equal(true)
      await node.startAgent()
      await node.gone(name)
      expect(node.volumes.made.has(name)).to.equal(false)
    })

    it('after its class is the same: what it needs is written at the volume', async () => {
      await node.makeClass('brief')
      await node.startAgent()
      const name = await node.usedVolume(claim, 'brief')
      const storageClass = await node.client.get(STORAGE_CLASSES, { name: 'brief' })
      if (storageClass === undefined) throw new Error('no class')
      await node.client.delete(STORAGE_CLASSES, { name: 'brief' }, preconditionsOf(storageClass))
      await node.deleteClaim(claim)
      await node.gone(name)
      expect(node.volumes.made.has(name)).to.equal(false)
    })
  })

  it('takes a volume back whose claim went to another node while it was made', async () => {
    const { begun, goOn } = holdCreation()
    await node.startAgent()
    const name = volumeNameForClaim(await node.makeClaim(claim, 'fast'))
    await begun
    await node.patchClaim(claim, { metadata: { annotations: { [SELECTED_NODE]: THEIRS } } })
    goOn()
    await eventually('the volume is made', () => node.volumes.created.includes(name))
    await noVolume(name)
    expect(await node.persistentVolume(name)).to.equal(undefined)
    expect((await node.claim(claim))?.metadata.annotations?.[SELECTED_NODE]).to.equal(THEIRS)
  })

  describe('of a PersistentVolume', () => {
    it('that was deleted by force keeps the data, and says how to get it back', async () => {
      await node.startAgent()
      const name = await node.usedVolume(claim, 'fast')
      await node.deleteVolume(name)
      await node.patchVolume(name, { metadata: { finalizers: null } })
      await node.gone(name)
      const { adopt } = await node.unclaimed(name)
      expect(adopt).to.include(claim)
      await node.deleteClaim(claim)
      expect(isUsed(name)).to.equal(true)
    })

    it('that is kept is Available when it is let go, and deleting it then keeps the data', async () => {
      await node.startAgent()
      const name = await node.usedVolume(claim, 'kept')
      await node.deleteClaim(claim)
      await node.phase(name, 'Released')
      await node.patchVolume(name, { spec: { claimRef: null } })
      await node.phase(name, 'Available')
      await node.patchVolume(name, { spec: { persistentVolumeReclaimPolicy: 'Delete' } })
      await node.deleteVolume(name)
      await node.gone(name)
      await node.unclaimed(name)
      expect(isUsed(name)).to.equal(true)
    })

    it('that was kept is removed when its policy becomes Delete', async () => {
      await node.startAgent()
      const name = await node.usedVolume(claim, 'kept')
      await node.deleteClaim(claim)
      await node.phase(name, 'Released')
      expect(isUsed(name)).to.equal(true)
      await node.patchVolume(name, { spec: { persistentVolumeReclaimPolicy: 'Delete' } })
      await node.gone(name)
      expect(node.volumes.made.has(name)).to.equal(false)
    })

    it('whose finalizer and label were taken off gets them back, and is removed as it should be', async () => {
      await node.startAgent()
      await node.startScheduler()
      const name = await node.usedVolume(claim, 'fast')
      await node.patchVolume(name, { metadata: { finalizers: null, labels: null } })
      await eventually('the marks are back', async () => {
        const { metadata } = (await node.persistentVolume(name)) ?? {}
        return metadata?.labels?.[NODE_LABEL] === OURS && metadata.finalizers?.includes(VOLUME_FINALIZER)
      })
      await node.deleteClaim(claim)
      await node.gone(name)
      expect(node.volumes.made.has(name)).to.equal(false)
    })
  })

  describe('of PersistentVolumes made by hand', () => {
    /** The handle of a volume with data that has no PersistentVolume any more. */
    const orphanedData = async (clusterId: string): Promise<{ name: string; handle: string }> => {
      const { name, handle } = leftBehind(clusterId, 'used')
      return Promise.resolve({ name, handle: formatVolumeHandle(handle) })
    }

    it('marks, binds, enlarges and removes one of any name', async () => {
      const clusterId = await node.startAgent()
      await node.startScheduler()
      const { name, handle } = await orphanedData(clusterId)
      await node.makeByHand(`restored-${claim}`, handle)
      await claimFor(`restored-${claim}`)
      await node.bound(claim)
      await node.patchClaim(claim, { spec: { resources: { requests: { storage: '16Mi' } } } })
      await eventually('the volume is larger', () => node.volumes.made.get(name)?.sizeBytes === 16n << 20n)
      await node.deleteClaim(claim)
      await node.gone(`restored-${claim}`)
      expect(node.volumes.made.has(name)).to.equal(false)
    })

    it('removes nothing that two of them name, until one is let go', async () => {
      const clusterId = await node.startAgent()
      await node.startScheduler()
      const { name, handle } = await orphanedData(clusterId)
      const [one, other] = [`one-${claim}`, `other-${claim}`]
      await node.makeByHand(one, handle)
      await node.makeByHand(other, handle)
      await claimFor(one)
      await node.bound(claim)
      await node.deleteClaim(claim)
      const { message } = await node.event('VolumeFailedDelete', one)
      expect(message).to.include(`also named by PersistentVolume "${other}"`)
      expect(isUsed(name)).to.equal(true)
      await node.patchVolume(other, { spec: { persistentVolumeReclaimPolicy: 'Retain' } })
      await node.deleteVolume(other)
      await node.gone(other)
      await node.gone(one)
      expect(node.volumes.made.has(name)).to.equal(false)
    })

    it('removes nothing of another cluster', async () => {
      await node.startAgent()
      await node.startScheduler()
      const { name, handle } = await orphanedData(randomUUID())
      const made = `foreign-${claim}`
      await node.makeByHand(made, handle)
      await claimFor(made)
      await node.bound(claim)
      await node.deleteClaim(claim)
      expect((await node.event('VolumeFailedDelete', made)).message).to.match(
        /belongs to the cluster with id .*set its persistentVolumeReclaimPolicy to Retain/,
      )
      expect(isUsed(name)).to.equal(true)
      await node.patchVolume(made, { spec: { persistentVolumeReclaimPolicy: 'Retain' } })
      await node.deleteVolume(made)
      await node.gone(made)
      expect(isUsed(name)).to.equal(true)
    })

    it('says of one whose node is not certain that it is not taken care of', async () => {
      const clusterId = await node.startAgent()
      await node.startScheduler()
      const { handle } = await orphanedData(clusterId)
      const made = `anywhere-${claim}`
      const terms = [OURS, THEIRS].map((name) => ({
        matchExpressions: [{ key: 'topology.loam.storage/node', operator: 'In', values: [name] }],
      }))
      await node.makeByHand(made, handle, { affinity: { required: { nodeSelectorTerms: terms } } })
      expect((await node.event('VolumeNotManaged', made)).message).to.include('does not name one node')
      expect((await node.persistentVolume(made))?.metadata.labels).to.equal(undefined)
      await node.deleteVolume(made)
      await node.gone(made)
    })

    it('leaves those of others alone, local volumes beside ours as well', async () => {
      await node.startAgent()
      await node.startScheduler()
      const made = `local-${claim}`
      const term = { matchExpressions: [{ key: 'kubernetes.io/hostname', operator: 'In', values: [OURS] }] }
      const local = await node.client.create<PersistentVolume>(PERSISTENT_VOLUMES, {
        metadata: { name: made },
        spec: {
          ...{ accessModes: ['ReadWriteOnce'], capacity: { storage: '8Mi' }, local: { path: '/mnt/a' } },
          nodeAffinity: { required: { nodeSelectorTerms: [term] } },
          ...{ persistentVolumeReclaimPolicy: 'Delete', storageClassName: 'local' },
        },
      } as unknown as PersistentVolume)
      // what came later has been looked at
      await node.usedVolume(claim, 'fast')
      const now = await node.persistentVolume(made)
      expect(now?.metadata.labels).to.equal(undefined)
      expect(now?.metadata.finalizers ?? []).not.to.include(VOLUME_FINALIZER)
      await node.client.delete(PERSISTENT_VOLUMES, { name: made }, preconditionsOf(local))
    })
  })

  describe('of volumes without owner', () => {
    it('removes one that was never used, and says so', async () => {
      const clusterId = await node.startAgent()
      await node.usedVolume(claim, 'fast')
      await node.stop()
      const { name } = leftBehind(clusterId, 'new')
      await node.startAgent()
      await noVolume(name)
      const told = await eventually('OrphanCollected', () =>
        node.events.find(({ reason, message }) => reason === 'OrphanCollected' && message.includes(name)),
      )
      expect(told.message).to.match(/never used.*was removed/)
    })

    it('removes none in a dry run, and lists what it would remove', async () => {
      const clusterId = await node.startAgent()
      await node.usedVolume(claim, 'fast')
      await node.stop()
      const { name } = leftBehind(clusterId, 'new')
      await node.startAgent({ LOAM_ORPHAN_COLLECTION: 'report' })
      expect((await node.unclaimed(name)).message).to.match(/LOAM_ORPHAN_COLLECTION/)
      expect(node.volumes.made.has(name)).to.equal(true)
      expect(node.events.some(({ reason }) => reason === 'OrphansHeld')).to.equal(true)
    })

    it('removes none of many at once, used or not: the control plane may have been restored from an old copy', async () => {
      const clusterId = await node.startAgent()
      await node.usedVolume(claim, 'fast')
      await node.stop()
      const left = Array.from({ length: 12 }, (_, index) => leftBehind(clusterId, index % 2 ? 'used' : 'new'))
      await node.startAgent()
      for (const { name } of left) await node.unclaimed(name)
      const told = await eventually('OrphansHeld', () =>
        node.events.find(({ reason }) => reason === 'OrphansHeld'),
      )
      expect(told.message).to.match(/6 at once are more than 5/)
      expect(left.filter(({ name }) => node.volumes.made.has(name))).to.have.length(12)
    })
  })

  it('touches no volume when its Node is deleted and made again, and serves the next claim', async () => {
    await node.startAgent()
    const name = await node.usedVolume(claim, 'fast')
    const before = await node.client.get(NODES, { name: OURS })
    if (before === undefined) throw new Error('no Node')
    await node.client.delete(NODES, { name: OURS }, preconditionsOf(before))
    await node.stop()
    await node.client.create(NODES, { metadata: { name: OURS } })
    await node.startAgent()
    const next = await node.usedVolume(`${claim}-next`, 'fast')
    expect(isUsed(name)).to.equal(true)
    expect((await node.persistentVolume(name))?.status?.phase).to.equal('Bound')
    expect(isUsed(next)).to.equal(true)
  })

  it('touches no volume when the CRD is deleted, removes what is let go, and reports again when it is back', async () => {
    await node.startAgent()
    const name = await node.usedVolume(claim, 'fast')
    const other = await node.usedVolume(`${claim}-other`, 'fast')
    const definition = await node.client.get(CUSTOM_RESOURCE_DEFINITIONS, DEFINITION)
    if (definition === undefined) throw new Error('no CRD')
    await node.client.delete(CUSTOM_RESOURCE_DEFINITIONS, DEFINITION, preconditionsOf(definition))
    await eventually(
      'the CRD is gone',
      async () => (await node.client.get(CUSTOM_RESOURCE_DEFINITIONS, DEFINITION)) === undefined,
    )
    await node.deleteClaim(`${claim}-other`)
    await node.gone(other)
    expect(isUsed(name)).to.equal(true)
    await installDefinition(node.client)
    await eventually('there is a report again', async () => (await node.reports()).length > 0)
    expect([...node.volumes.made.keys()]).to.deep.equal([name])
  })
})
