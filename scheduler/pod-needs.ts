import { isFilledByOthers, viewClaim, type ClaimView } from '../kube/claim-view.ts'
import type { ClassView } from '../kube/class-view.ts'
import type { ExtenderPod } from './extender-wire.ts'

/** What a pod needs from one volume group: the claims that have no volume yet. */
export interface GroupNeed {
  readonly groupName: string
  readonly claims: readonly ClaimView[]
  /** Of the claims, each once. */
  readonly classes: readonly ClassView[]
}

/** What a pod needs from Loam. */
export interface PodNeeds {
  readonly groups: readonly GroupNeed[]
  /** Why no node can serve it; undefined when some may. */
  readonly fault: string | undefined
}

export interface Lookups {
  /** By namespace and name. Undefined for one that has its volume, or that is not known. */
  readonly claim: (key: string) => ClaimView | undefined
  readonly storageClass: (name: string) => ClassView | undefined
}

type PodVolume = ExtenderPod['spec']['volumes'][number]

/** The name that Kubernetes gives to the claim of a generic ephemeral volume (component-helpers, ephemeral.VolumeClaimName). */
const ephemeralClaimName = (pod: ExtenderPod, volume: PodVolume): string =>
  `${pod.metadata.name}-${volume.name}`

/** Whether the pod may need a volume that has a claim: all others are answered without another look. */
export const hasClaims = ({ spec }: ExtenderPod): boolean =>
  spec.volumes.some(
    ({ persistentVolumeClaim, ephemeral }) => persistentVolumeClaim !== undefined || ephemeral !== undefined,
  )

const claimOf = (pod: ExtenderPod, volume: PodVolume, { claim }: Lookups): ClaimView | undefined => {
  const { namespace } = pod.metadata
  if (volume.persistentVolumeClaim !== undefined)
    return claim(`${namespace}/${volume.persistentVolumeClaim.claimName}`)
  if (volume.ephemeral === undefined) return undefined
  const name = ephemeralClaimName(pod, volume)
  const template = volume.ephemeral.volumeClaimTemplate?.spec ?? {}
  return claim(`${namespace}/${name}`) ?? viewClaim({ metadata: { namespace, name }, spec: template })
}

/**
 * Whether the claim waits for a volume that Loam makes where the pod goes. A claim with a selector can only have a volume
 * that is there; one that binds at once gets its node from this process, and kube-scheduler waits for that.
 */
const wantsNewVolume = (claim: ClaimView, storageClass: ClassView): boolean =>
  storageClass.bindingMode === 'WaitForFirstConsumer' &&
  !claim.hasVolume &&
  !claim.hasSelector &&
  !claim.isBeingDeleted &&
  !isFilledByOthers(claim)

/** What the pod needs. What is not known, as in the moment after it was made, is left to the node's agent. */
export const needsOf = (pod: ExtenderPod, lookups: Lookups): PodNeeds => {
  const byGroup = new Map<string, { claims: ClaimView[]; classes: Set<ClassView> }>()
  for (const volume of pod.spec.volumes) {
    const claim = claimOf(pod, volume, lookups)
    const storageClass = claim && lookups.storageClass(claim.storageClassName)
    if (claim === undefined || storageClass === undefined || !wantsNewVolume(claim, storageClass)) continue
    const { settings } = storageClass
    if ('error' in settings) return { groups: [], fault: settings.error.message }
    const { volumeGroup } = settings.parameters
    const need = byGroup.get(volumeGroup) ?? { claims: [], classes: new Set() }
    // two volumes of a pod may have the same claim
    if (!need.claims.some(({ name }) => name === claim.name)) need.claims.push(claim)
    need.classes.add(storageClass)
    byGroup.set(volumeGroup, need)
  }
  const groups = [...byGroup].map(([groupName, { claims, classes }]) => ({
    ...{ groupName, claims, classes: [...classes] },
  }))
  return { groups, fault: undefined }
}
