import { expect } from 'chai'
import { NODE_LABEL, VOLUME_FINALIZER } from '../../../core/naming.ts'
import {
  CSI_STORAGE_CAPACITIES,
  NODE_LOCAL_STORAGES,
  PERSISTENT_VOLUME_CLAIMS,
  PERSISTENT_VOLUMES,
} from '../../../kube/resources.ts'
import type { KubeObject } from '../../../kube/types.ts'
import { eventually } from '../../support/eventually.ts'
import { apply, isIn, merge, named, remove, volumeOf, withMetadata } from './dry-runs.ts'
import { OURS, THEIRS, useInstalled, type RawRequest } from './installed.ts'
import {
  claim,
  nodeLocalStorage,
  persistentVolume,
  PROVISIONER,
  SELECTED_NODE,
  storageCapacity,
} from './objects.ts'
import { withSpec } from './volume-refusals.ts'

const SOMEBODY = 'example.com/somebody'
/** The API server adds its own to every PersistentVolume (StorageObjectInUseProtection). */
const HELD = [SOMEBODY, 'kubernetes.io/pv-protection']
const MARKS = {
  metadata: { labels: { [NODE_LABEL]: OURS }, finalizers: [...HELD, VOLUME_FINALIZER] },
}
const metadata = { name: 'by-hand', labels: { kept: 'yes' }, finalizers: [SOMEBODY] }
/** As a person makes it: without the marks of Loam. */
const byHand = withMetadata(persistentVolume(OURS, ''), metadata)
const foreign = withSpec(withMetadata(byHand, { name: 'foreign' }), {
  csi: { driver: 'other.example', volumeHandle: 'v' },
})
const affinity = (...nodeSelectorTerms: object[]) => ({ nodeAffinity: { required: { nodeSelectorTerms } } })
const spread = withSpec(
  withMetadata(byHand, { name: 'spread' }),
  affinity({ matchExpressions: [isIn(OURS, THEIRS)] }),
)
const anywhere = withSpec(withMetadata(byHand, { name: 'anywhere' }), { nodeAffinity: undefined })

const waiting = claim('waiting', { [PROVISIONER]: 'loam.storage', note: 'kept' })
const selected = claim('selected', { [PROVISIONER]: 'loam.storage', [SELECTED_NODE]: THEIRS })
const ofAnother = claim('of-another-driver', { [PROVISIONER]: 'other.example' })
const bound = {
  ...claim('bound', waiting.metadata.annotations),
  spec: { ...waiting.spec, volumeName: 'some' },
}
const boundToNode = {
  ...claim('bound-to-node', selected.metadata.annotations),
  spec: { ...waiting.spec, volumeName: 'some' },
}
const ofAnotherOnNode = claim('of-another-driver-on-node', {
  ...{ [PROVISIONER]: 'other.example', [SELECTED_NODE]: THEIRS },
})
const annotate = (annotations: object) => ({ metadata: { annotations } })

const patchVolume = (body: unknown, of: KubeObject = byHand): RawRequest =>
  merge(PERSISTENT_VOLUMES, of, body)
const patchClaim = (body: unknown, of: KubeObject = waiting): RawRequest =>
  merge(PERSISTENT_VOLUME_CLAIMS, of, body)
const label = (labels: object, finalizers: readonly string[] = [...HELD, VOLUME_FINALIZER]) => ({
  metadata: { labels, finalizers },
})

const report = nodeLocalStorage(THEIRS)
const capacity = storageCapacity(THEIRS)
const since = { message: '', lastTransitionTime: '2026-01-01T00:00:00Z' }
const READY = { type: 'Ready', status: 'True', reason: 'Ready', ...since }
const DISKS = { type: 'DisksUsable', status: 'True', reason: 'AllUsed', ...since }
const ABSENT = { type: 'Ready', status: 'Unknown', reason: 'AgentSilent', ...since }
const tell = (conditions: readonly object[], other: object = {}): RawRequest =>
  merge(NODE_LOCAL_STORAGES, report, { status: { conditions, ...other } }, 'status')

const ALLOWED: readonly (readonly [what: string, RawRequest])[] = [
  ['both marks on a volume made by hand', patchVolume(MARKS)],
  ['the label alone', patchVolume(label({ [NODE_LABEL]: OURS }, HELD))],
  [
    'both marks by server-side apply',
    apply(PERSISTENT_VOLUMES, byHand, named(byHand, { metadata: { name: 'by-hand', ...MARKS.metadata } })),
  ],
  ['a node for a claim that has none', patchClaim(annotate({ [SELECTED_NODE]: OURS }))],
  ['a node taken from a claim that waits', patchClaim(annotate({ [SELECTED_NODE]: null }), selected)],
  ['that the agent of a node is silent', tell([ABSENT, DISKS])],
  ['no capacity any more where nobody acts', remove(CSI_STORAGE_CAPACITIES, capacity)],
]

/** Ways round the policies of the scheduler process that each has to be refused, with its own token. */
const REFUSED: readonly (readonly [policy: string, what: string, reason: string, RawRequest])[] = [
  [
    'persistent-volumes',
    'marks on the volume of another driver',
    'of the driver',
    patchVolume(MARKS, foreign),
  ],
  [
    'persistent-volumes',
    'the label of another node than the volume is pinned to',
    'the one node',
    patchVolume(label({ [NODE_LABEL]: THEIRS })),
  ],
  ['persistent-volumes', 'a mark on a volume of two nodes', 'the one node', patchVolume(MARKS, spread)],
  ['persistent-volumes', 'a mark on a volume of no node', 'the one node', patchVolume(MARKS, anywhere)],
  [
    'persistent-volumes',
    'the finalizer without the label',
    'the one node',
    patchVolume({ metadata: { finalizers: [...HELD, VOLUME_FINALIZER] } }),
  ],
  [
    'persistent-volumes',
    'the label of one of ours taken off',
    'the one node',
    merge(PERSISTENT_VOLUMES, volumeOf(OURS), label({ [NODE_LABEL]: null }, [VOLUME_FINALIZER])),
  ],
  [
    'persistent-volumes',
    'another label',
    'no label but',
    patchVolume(label({ [NODE_LABEL]: OURS, another: 'x' })),
  ],
  [
    'persistent-volumes',
    "somebody's label changed",
    'no label but',
    patchVolume(label({ [NODE_LABEL]: OURS, kept: 'no' })),
  ],
  [
    'persistent-volumes',
    "somebody's label taken off",
    'no label but',
    patchVolume(label({ [NODE_LABEL]: OURS, kept: null })),
  ],
  [
    'persistent-volumes',
    "somebody's finalizer dropped",
    'drops no finalizer',
    patchVolume(label({ [NODE_LABEL]: OURS }, [VOLUME_FINALIZER])),
  ],
  [
    'persistent-volumes',
    'another finalizer',
    'drops no finalizer',
    patchVolume(label({ [NODE_LABEL]: OURS }, [...HELD, 'example.com/other'])),
  ],
  [
    'persistent-volumes',
    'our finalizer dropped',
    'drops no finalizer',
    merge(PERSISTENT_VOLUMES, volumeOf(OURS), { metadata: { finalizers: [] } }),
  ],
  [
    'persistent-volumes',
    'an annotation',
    'but its marks',
    patchVolume({ metadata: { ...MARKS.metadata, annotations: { note: 'x' } } }),
  ],
  [
    'persistent-volumes',
    'an owner, with which the garbage collector would delete it',
    'but its marks',
    patchVolume({
      metadata: {
        ...MARKS.metadata,
        ownerReferences: [{ apiVersion: 'v1', kind: 'Node', name: OURS, uid: 'u' }],
      },
    }),
  ],
  [
    'persistent-volumes',
    'another reclaim policy',
    'but its marks',
    patchVolume({ ...MARKS, spec: { persistentVolumeReclaimPolicy: 'Delete' } }),
  ],
  [
    'persistent-volumes',
    'another size',
    'but its marks',
    patchVolume({ ...MARKS, spec: { capacity: { storage: '8Mi' } } }),
  ],
  [
    'persistent-volume-claims',
    'a node for the claim of another driver',
    'is asked to serve',
    patchClaim(annotate({ [SELECTED_NODE]: OURS }), ofAnother),
  ],
  [
    'persistent-volume-claims',
    'another node for a claim that has one',
    'has a node or a volume',
    patchClaim(annotate({ [SELECTED_NODE]: OURS }), selected),
  ],
  [
    'persistent-volume-claims',
    'a node taken from a claim that has a volume',
    'has a node or a volume',
    patchClaim(annotate({ [SELECTED_NODE]: null }), boundToNode),
  ],
  [
    'persistent-volume-claims',
    'a node taken from the claim of another driver',
    'is asked to serve',
    patchClaim(annotate({ [SELECTED_NODE]: null }), ofAnotherOnNode),
  ],
  [
    'persistent-volume-claims',
    'a node for a claim that has a volume',
    'has a node or a volume',
    patchClaim(annotate({ [SELECTED_NODE]: OURS }), bound),
  ],
  [
    'persistent-volume-claims',
    'another annotation',
    'no annotation to a claim but',
    patchClaim(annotate({ [SELECTED_NODE]: OURS, more: 'x' })),
  ],
  [
    'persistent-volume-claims',
    "somebody's annotation changed",
    'no annotation to a claim but',
    patchClaim(annotate({ [SELECTED_NODE]: OURS, note: 'lost' })),
  ],
  [
    'persistent-volume-claims',
    'a label',
    'but its annotations',
    patchClaim({ metadata: { labels: { a: 'b' }, annotations: { [SELECTED_NODE]: OURS } } }),
  ],
  [
    'persistent-volume-claims',
    'a finalizer',
    'but its annotations',
    patchClaim({ metadata: { finalizers: ['example.com/f'], annotations: { [SELECTED_NODE]: OURS } } }),
  ],
  ['node-local-storages', 'that a node is ready', 'to Unknown', tell([READY, DISKS])],
  [
    'node-local-storages',
    'another reason than that nobody acts there',
    'to Unknown',
    tell([{ ...ABSENT, reason: 'Tired' }, DISKS]),
  ],
  ['node-local-storages', 'a report without another condition', 'to Unknown', tell([ABSENT])],
  [
    'node-local-storages',
    'another condition changed',
    'to Unknown',
    tell([ABSENT, { ...DISKS, status: 'False' }]),
  ],
  [
    'node-local-storages',
    'another time of the last report',
    'but its condition Ready',
    tell([ABSENT, DISKS], { lastReportTime: '2026-02-02T00:00:00Z' }),
  ],
  [
    'node-local-storages',
    'more room',
    'but its condition Ready',
    tell([ABSENT, DISKS], { room: { disks: [{ runs: [1000] }] } }),
  ],
]

describe('what the scheduler process may write', function () {
  this.timeout(60_000)
  const installed = useInstalled(() => false, { hasScheduler: true })

  before(async function () {
    this.timeout(120_000)
    const { client } = installed.api
    for (const volume of [byHand, foreign, spread, anywhere, volumeOf(OURS)])
      await client.create(PERSISTENT_VOLUMES, volume)
    for (const object of [waiting, selected, ofAnother, bound, boundToNode, ofAnotherOnNode])
      await client.create(PERSISTENT_VOLUME_CLAIMS, object)
    await client.create(NODE_LOCAL_STORAGES, report)
    await client.create(CSI_STORAGE_CAPACITIES, capacity)
    const patch = { status: { conditions: [READY, DISKS] } }
    await client.patch(NODE_LOCAL_STORAGES, { name: report.metadata.name }, patch, {
      ...{ type: 'merge', subresource: 'status' },
    })
    await eventually('the policies are in force', async () => {
      const probes = [
        patchVolume(MARKS, foreign),
        patchClaim(annotate({ [SELECTED_NODE]: OURS }), ofAnother),
        tell([READY, DISKS]),
      ]
      const answers = await Promise.all(probes.map((probe) => installed.schedulerBearer.send(probe)))
      return answers.every(({ code }) => code === 422)
    })
  })

  for (const [what, request] of ALLOWED)
    it(`is ${what}`, async () => {
      const { code, message } = await installed.schedulerBearer.send(request)
      expect(code, message).to.equal(200)
    })

  for (const [policy, what, reason, request] of REFUSED)
    it(`is not, in ${policy}: ${what}`, async () => {
      const { code, message } = await installed.schedulerBearer.send(request)
      expect(message)
        .to.contain(`ValidatingAdmissionPolicy 'loam-scheduler-${policy}'`)
        .and.to.contain(reason)
      expect(code, message).to.equal(422)
    })

  for (const [type, object] of [
    [PERSISTENT_VOLUMES, byHand],
    [PERSISTENT_VOLUME_CLAIMS, waiting],
    [NODE_LOCAL_STORAGES, report],
  ] as const)
    it(`is no deletion of ${type.plural}`, async () => {
      const { code, message } = await installed.schedulerBearer.send(remove(type, object))
      expect(code, message).to.equal(403)
    })
})
