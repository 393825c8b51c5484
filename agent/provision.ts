import { messageOf } from '../core/errors.ts'
import { atStep } from '../core/failpoints.ts'
import { AlreadyExists } from '../kube/errors.ts'
import { PERSISTENT_VOLUMES } from '../kube/resources.ts'
import type { CreateVolumeRequest, LogicalVolume, NodeVolumes } from '../lvm/types.ts'
import type { ClaimTools } from './claim-tools.ts'
import type { ClaimView } from '../kube/claim-view.ts'
import { claimFields, isAnswerOf, readClaim, stillWants, warnOfClaim } from './claim-writes.ts'
import { takeBack } from './give-back.ts'
import type { Admitted } from './group-admission.ts'
import { LeaseNotHeld, type LeaseGate } from '../kube/lease.ts'
import { persistentVolumeFor } from './persistent-volume.ts'

export type ProvisionTools = ClaimTools & { readonly lease: LeaseGate }

interface Served extends Admitted {
  readonly volume: LogicalVolume
}

/** For a claim alone it is one call, that plans for itself. */
const makeAll = async (
  volumes: NodeVolumes,
  requests: readonly CreateVolumeRequest[],
): Promise<readonly LogicalVolume[]> => {
  const [only] = requests
  return only !== undefined && requests.length === 1
    ? [await volumes.createVolume(only)]
    : await volumes.createVolumes(requests)
}

/**
 * The volumes of claims that are served together.
 *
 * @throws as createVolume and createVolumes.
 */
export const makeVolumes = async (
  { ports: { volumes }, classes }: ClaimTools,
  admitted: readonly Admitted[],
): Promise<readonly Served[]> => {
  const requests = admitted.map(({ decision }) => decision.request)
  const made = await makeAll(volumes, requests).finally(() => {
    // also when it failed: a report that was written meanwhile has counted them
    for (const groupUuid of new Set(requests.map((request) => request.groupUuid)))
      classes.groupChanged(groupUuid)
  })
  return admitted.flatMap((each, index) => {
    const volume = made[index]
    return volume === undefined ? [] : [{ ...each, volume }]
  })
}

const createPersistentVolume = async (
  tools: ProvisionTools,
  { claim, decision, volume }: Served,
): Promise<void> => {
  const { ports, identity, lease } = tools
  const { nodeName } = identity
  if (!lease.isHeld())
    throw new LeaseNotHeld(`agent of node "${nodeName}"`, 'does not hold its Lease at the moment')
  const wanted = persistentVolumeFor({ claim, volume, nodeName, ...decision })
  try {
    await atStep('create-persistent-volume', () => ports.client.create(PERSISTENT_VOLUMES, wanted))
  } catch (error) {
    if (!(error instanceof AlreadyExists)) {
      const why = { reason: 'ProvisioningFailed', message: messageOf(error) }
      warnOfClaim(tools, claim, why, 'Provision')
      throw error
    }
    if (!(await isAnswerOf(ports.client, volume))) {
      await takeBack(tools, claim, volume, 'another node has answered the claim')
      return
    }
  }
  tools.classes.claimServed(claim)
  ports.log.info('volume provisioned', { ...claimFields(claim), sizeBytes: volume.sizeBytes })
}

/** The claim as it is now; undefined, and its volume taken back, when it is not for this node any more. */
const confirm = async (tools: ClaimTools, served: Served): Promise<Served | undefined> => {
  const now: ClaimView | undefined = await readClaim(tools.ports.client, served.claim)
  // one that is on its way out takes no volume with it
  if (stillWants(now, tools.identity.nodeName) && !now.isBeingDeleted) return { ...served, claim: now }
  const why = 'the claim went away or elsewhere while its volume was made'
  await takeBack(tools, served.claim, served.volume, why)
  return undefined
}

/**
 * Gives claims whose volumes are all there their PersistentVolumes: the first of them binds the pod to this node. Gives
 * false, and has made none, when one of several claims is not for this node any more: what is left is to be decided anew.
 */
export const answerClaims = async (tools: ProvisionTools, served: readonly Served[]): Promise<boolean> => {
  const confirmed = await Promise.all(served.map((each) => confirm(tools, each)))
  const still = confirmed.filter((each) => each !== undefined)
  if (still.length < served.length) return still.length === 0
  await Promise.all(still.map((each) => createPersistentVolume(tools, each)))
  return true
}
