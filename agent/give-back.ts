import { volumeNameForClaim } from '../core/naming.ts'
import { PERSISTENT_VOLUMES } from '../kube/resources.ts'
import type { LogicalVolume } from '../lvm/types.ts'
import type { ClaimTools } from './claim-tools.ts'
import type { ClaimView } from '../kube/claim-view.ts'
import {
  claimFields,
  clearSelectedNode,
  isAnswerOf,
  readClaim,
  stillWants,
  warnOfClaim,
} from './claim-writes.ts'

/** Why claims are given back, for people. */
export interface Why {
  readonly reason: string
  readonly message: string
}

/**
 * Removes a volume that was made for a claim, when no PersistentVolume refers to it and it is new.
 * Gives whether nothing of it is left.
 */
export const takeBack = async (
  { ports: { client, volumes, log }, classes }: ClaimTools,
  claim: ClaimView,
  volume: LogicalVolume,
  why: string,
): Promise<boolean> => {
  const object = await client.get(PERSISTENT_VOLUMES, { name: volume.name })
  if (object !== undefined && (await isAnswerOf(client, volume))) return false
  if (volume.record?.state !== 'new') {
    log.warn('volume kept: it is not new', { ...claimFields(claim), state: volume.record?.state, why })
    return false
  }
  log.info('volume taken back', { ...claimFields(claim), why })
  const expected = { name: volume.name, claimUid: claim.uid, erase: volume.record.erase, neverUsed: true }
  await volumes.removeVolume(volume.handle, expected)
  classes.groupChanged(volume.handle.groupUuid)
  return true
}

/** Whether nothing of the claims is here, after what can be taken back was. Says which claim is kept, and why. */
const isNothingLeft = async (
  tools: ClaimTools,
  claims: readonly ClaimView[],
  { message }: Why,
): Promise<boolean> => {
  const { client, volumes } = tools.ports
  const answered = await Promise.all(
    claims.map(({ uid }) => client.get(PERSISTENT_VOLUMES, { name: volumeNameForClaim(uid) })),
  )
  if (answered.some((object) => object !== undefined)) return false
  const found = new Map((await volumes.inventory()).volumes.map((volume) => [volume.name, volume]))
  let isNothing = true
  for (const claim of claims) {
    const left = found.get(volumeNameForClaim(claim.uid))
    if (left === undefined || (await takeBack(tools, claim, left, message))) continue
    isNothing = false
    const where = `logical volume "${left.groupName}/${left.name}"`
    const kept = `${message}; its ${where} is here and is kept, so the claim stays with this node`
    warnOfClaim(tools, claim, { reason: 'VolumeLeftBehind', message: kept }, 'KeepSelectedNode')
  }
  return isNothing
}

/** Tries all of them: one that changed meanwhile keeps no other here. @throws what the first that failed threw. */
const clearAll = async ({ ports: { client } }: ClaimTools, claims: readonly ClaimView[]): Promise<void> => {
  const outcomes = await Promise.allSettled(claims.map((claim) => clearSelectedNode(client, claim)))
  const failed = outcomes.find((outcome) => outcome.status === 'rejected')
  if (failed !== undefined) throw failed.reason
}

/**
 * Hands claims back to the scheduler, all or none of them, once nothing of them is left here and the scheduler can know the
 * truth: volumes removed → capacity published → selected nodes removed → an event on each. Gives whether it did.
 *
 * After a crash in between, the claims that still have this node are decided about again, and given back in turn.
 */
export const giveBack = async (
  tools: ClaimTools,
  claims: readonly ClaimView[],
  why: Why,
): Promise<boolean> => {
  const { ports, identity, classes } = tools
  const read = await Promise.all(claims.map((claim) => readClaim(ports.client, claim)))
  const now = read.filter((claim) => claim !== undefined && stillWants(claim, identity.nodeName))
  const classNames = new Set(now.map(({ storageClassName }) => storageClassName))
  if (now.length === 0) return true
  if (!(await isNothingLeft(tools, now, why))) return false
  classes.setAside(now)
  for (const name of classNames) await classes.publish(name, 'now')
  await clearAll(tools, now)
  for (const claim of now) {
    ports.log.info('claim given back to the scheduler', { ...claimFields(claim), reason: why.reason })
    const message = `${why.message}; asked the scheduler for another node`
    warnOfClaim(tools, claim, { ...why, message }, 'Reschedule')
  }
  return true
}
