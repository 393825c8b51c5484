import type { KubeClient, KubeObject, ObjectStore } from '../kube/types.ts'
import { PERSISTENT_VOLUME_CLAIMS } from '../kube/resources.ts'
import {
  isFilledByOthers,
  viewClaim,
  type ClaimView,
  type PersistentVolumeClaim,
} from '../kube/claim-view.ts'

/** The parts of a Pod that Loam reads. */
export interface Pod extends KubeObject {
  readonly spec: {
    readonly volumes?: readonly {
      readonly name: string
      readonly persistentVolumeClaim?: { readonly claimName: string }
      readonly ephemeral?: unknown
    }[]
  }
  readonly status?: { readonly phase?: string; readonly nominatedNodeName?: string }
}

/** A claim of the pod; `claim` is undefined for one that does not exist (yet). */
interface Sibling {
  readonly name: string
  readonly claim: ClaimView | undefined
}

/** Claims that have to be served together: those of a pod that waits for all of them, or one alone. */
export interface ClaimGroup {
  /** Name of the pod; undefined for a claim alone. */
  readonly pod: string | undefined
  /** Never empty; in the order of their names, so that whoever needs several of them asks in the same order. */
  readonly siblings: readonly Sibling[]
}

interface SiblingTools {
  readonly client: KubeClient
  readonly claims: ObjectStore<ClaimView>
  readonly nodeName: string
  /** Pods of a namespace that have no node yet. */
  readonly podsIn: (namespace: string) => Promise<readonly Pod[]>
  /** Whether a class of that name is Loam's, and its claims wait for a pod. Those that bind at once come without one. */
  readonly waitsForPod: (storageClassName: string) => boolean
}

/** Names of the claims that a pod uses. That of a generic ephemeral volume comes from the pod's (KEP-1698). */
export const claimNamesOf = ({ metadata, spec }: Pod): readonly string[] => [
  ...new Set(
    (spec.volumes ?? []).flatMap(({ name, persistentVolumeClaim, ephemeral }) => {
      if (persistentVolumeClaim !== undefined) return [persistentVolumeClaim.claimName]
      return ephemeral === undefined ? [] : [`${metadata.name ?? ''}-${name}`]
    }),
  ),
]

const isWaiting = ({ metadata, status }: Pod): boolean =>
  metadata.deletionTimestamp === undefined && (status?.phase ?? 'Pending') === 'Pending'

/**
 * The pod for which kube-scheduler chose the node. Of several that use the claim, the one that is nominated for this
 * node; else the one with most claims, whose needs contain most of the others'.
 */
export const podFor = (pods: readonly Pod[], claimName: string, nodeName: string): Pod | undefined => {
  const isNominated = (pod: Pod): number => (pod.status?.nominatedNodeName === nodeName ? 1 : 0)
  const [best] = pods
    .filter((pod) => isWaiting(pod) && claimNamesOf(pod).includes(claimName))
    .sort(
      (one, other) =>
        isNominated(other) - isNominated(one) ||
        claimNamesOf(other).length - claimNamesOf(one).length ||
        (one.metadata.name ?? '').localeCompare(other.metadata.name ?? ''),
    )
  return best
}

/** Another claim in the namespace that waits for a pod and has no volume yet: without any, a claim cannot have siblings. */
const hasCompany = ({ claims, waitsForPod }: SiblingTools, claim: ClaimView): boolean =>
  [...claims.entries()].some(
    ([, other]) =>
      other.namespace === claim.namespace && other.uid !== claim.uid && waitsForPod(other.storageClassName),
  )

/** A claim that is not kept here has its volume, is another node's, or does not exist: the API server knows which. */
const readSibling = async (
  { client, claims }: SiblingTools,
  namespace: string,
  name: string,
): Promise<Sibling> => {
  const kept = claims.get(`${namespace}/${name}`)
  if (kept !== undefined) return { name, claim: kept }
  const object = await client.get<PersistentVolumeClaim>(PERSISTENT_VOLUME_CLAIMS, { namespace, name })
  return { name, claim: object === undefined ? undefined : viewClaim(object) }
}

/** Claims with a volume need nothing more; of those of other provisioners, and those that a populator fills, nothing is known. */
const isWanted = ({ waitsForPod }: SiblingTools, { claim }: Sibling): boolean =>
  claim === undefined || (!claim.hasVolume && !isFilledByOthers(claim) && waitsForPod(claim.storageClassName))

/** A claim that is served by itself. */
export const aloneIn = (claim: ClaimView): ClaimGroup => ({
  pod: undefined,
  siblings: [{ name: claim.name, claim }],
})

/**
 * The claims that have to be served together with this one, itself included. kube-scheduler writes the node on each of a
 * pod's claims by itself (pkg/scheduler, volumebinding/binder.go, bindAPIUpdate), so the pod is where they are found: it
 * is unscheduled until all of them are bound. At most one list of the namespace's unscheduled pods; none for a claim that
 * no other keeps company.
 */
export const groupOf = async (tools: SiblingTools, claim: ClaimView): Promise<ClaimGroup> => {
  const alone = aloneIn(claim)
  if (!tools.waitsForPod(claim.storageClassName) || !hasCompany(tools, claim)) return alone
  const { namespace } = claim
  const pod = podFor(await tools.podsIn(namespace), claim.name, tools.nodeName)
  if (pod === undefined) return alone
  const others = claimNamesOf(pod).filter((name) => name !== claim.name)
  const siblings = await Promise.all(others.map((name) => readSibling(tools, namespace, name)))
  const wanted = siblings.filter((sibling) => isWanted(tools, sibling))
  if (wanted.length === 0) return alone
  return {
    pod: pod.metadata.name ?? '',
    siblings: [...wanted, { name: claim.name, claim }].sort((one, other) => (one.name < other.name ? -1 : 1)),
  }
}
