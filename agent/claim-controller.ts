import { messageOf } from '../core/errors.ts'
import { volumeNameForClaim } from '../core/naming.ts'
import { NODES, PERSISTENT_VOLUMES } from '../kube/resources.ts'
import type { KubeObject, ObjectKey } from '../kube/types.ts'
import { decideClaim, type ClaimDecision } from './claim-decision.ts'
import { failureOf } from './claim-failure.ts'
import { aloneIn, groupOf, type ClaimGroup } from './claim-siblings.ts'
import type { ClaimView } from '../kube/claim-view.ts'
import { claimFields, warnOfClaim } from './claim-writes.ts'
import type { ClassView } from '../kube/class-view.ts'
import { giveBack, type Why } from './give-back.ts'
import { GiveBackPace } from './give-back-pace.ts'
import { decideGroup, describeTogether, type Admitted, type Member } from './group-admission.ts'
import { viewPersistentVolume, type PersistentVolume } from './persistent-volume.ts'
import { answerClaims, makeVolumes, type ProvisionTools } from './provision.ts'
import type { Turns } from './turns.ts'
import { WaitingPods } from './waiting-pods.ts'

type Result = { requeueAfterMs: number } | undefined

/** When a claim that no node can serve is looked at again: upstream's slow retry. */
const SLOW_RETRY_MS = 5 * 60_000
/** kube-scheduler writes the node on the claims of a pod one after another, at 50 writes a second for all pods. */
const PATIENCE_MS = 10_000
/** The last of them to come wakes its own key; this is for those that end in another way. */
const LOOK_AGAIN_MS = 500

/**
 * Gives each claim that selects this node its logical volume and its PersistentVolume, or gives the claim back to
 * the scheduler; claims of one pod all together or none. Level-based: it acts on what is, never on what an event said;
 * LVM and the API are its only memory. docs/decisions/0069-claims-of-one-pod.md goes through the crashes.
 *
 * Order of a success: all logical volumes made, read back and flushed → claims read again by quorum → own Lease still
 * held → PersistentVolumes.
 * Order of a failure: nothing of the claims left here → capacity published → selected nodes removed → events.
 */
export class ClaimController {
  readonly #tools: ProvisionTools
  readonly #turns: Turns
  readonly #pace = new GiveBackPace()
  readonly #waitingPods: WaitingPods
  /** Since when a claim waits for others of its pod, in milliseconds of the monotonic clock. */
  readonly #waitingSince = new Map<ObjectKey, number>()

  /** `turns`: by the UID of a claim, of all that make or remove volumes for it. */
  constructor(tools: ProvisionTools, turns: Turns) {
    this.#tools = tools
    this.#turns = turns
    this.#waitingPods = new WaitingPods(tools.ports.client)
  }

  /** @throws whatever should be tried again with backoff. */
  async reconcile(key: ObjectKey): Promise<Result> {
    const claim = this.#tools.claims.get(key)
    let result: Result
    try {
      if (claim?.selectedNode === this.#tools.identity.nodeName) result = await this.#look(key, claim)
      return result
    } finally {
      if (result?.requeueAfterMs !== LOOK_AGAIN_MS) this.#waitingSince.delete(key)
    }
  }

  async #look(key: ObjectKey, claim: ClaimView): Promise<Result> {
    const decision = await this.#decide(claim)
    switch (decision.kind) {
      case 'ignore':
        this.#tools.ports.log.debug('claim ignored', { ...claimFields(claim), why: decision.why })
        return undefined
      case 'refuse':
        return this.#refuse(claim, decision)
      case 'reschedule':
      case 'create':
        return this.#lookAtGroup(key, claim)
    }
  }

  #refuse(claim: ClaimView, why: Why): Result {
    warnOfClaim(this.#tools, claim, why, 'Provision')
    return { requeueAfterMs: SLOW_RETRY_MS }
  }

  async #lookAtGroup(key: ObjectKey, claim: ClaimView): Promise<Result> {
    const { ports, claims, classes, identity } = this.#tools
    const tools = {
      ...{ client: ports.client, claims, nodeName: identity.nodeName },
      podsIn: (namespace: string) => this.#waitingPods.in(namespace),
      waitsForPod: (name: string) => classes.find(name)?.bindingMode === 'WaitForFirstConsumer',
    }
    const group = await groupOf(tools, claim)
    const uids = group.siblings.flatMap((sibling) => sibling.claim?.uid ?? [])
    return this.#turns.runAll(uids, () => this.#serve(key, claim, group))
  }

  /** Nobody else is at work on any claim of the group. */
  async #serve(key: ObjectKey, claim: ClaimView, group: ClaimGroup): Promise<Result> {
    const answered = group.pod === undefined ? undefined : await this.#answerTo(claim)
    if (answered === 'ours') return undefined
    const wanted = answered === undefined ? group : aloneIn(claim)
    const members = await Promise.all(wanted.siblings.map((each) => this.#member(claim.namespace, each)))
    const decision = decideGroup(members, this.#isPatient(key))
    const text = (message: string): string =>
      describeTogether(this.#tools.identity.nodeName, wanted.pod, members, message)
    switch (decision.kind) {
      case 'wait':
        this.#tools.ports.log.debug('claim waits', { ...claimFields(claim), why: decision.message })
        return { requeueAfterMs: LOOK_AGAIN_MS }
      case 'refuse':
        return this.#refuse(claim, decision)
      case 'reschedule':
        return this.#giveBack(members, { reason: decision.reason, message: text(decision.message) })
      case 'create':
        return this.#provision(members, decision.admitted, text)
    }
  }

  /** By the one before, who served the whole group: the watch is a moment behind. */
  async #answerTo({ uid, storageClassName }: ClaimView): Promise<'ours' | 'another' | undefined> {
    const name = volumeNameForClaim(uid)
    const object = await this.#tools.ports.client.get<PersistentVolume>(PERSISTENT_VOLUMES, { name })
    if (object === undefined) return undefined
    const { group } = (await this.#tools.classes.stateOf(storageClassName)) ?? {}
    return viewPersistentVolume(object).handle?.groupUuid === group?.uuid ? 'ours' : 'another'
  }

  #isPatient(key: ObjectKey): boolean {
    const since = this.#waitingSince.get(key) ?? performance.now()
    this.#waitingSince.set(key, since)
    return performance.now() - since < PATIENCE_MS
  }

  /** As it is now: it may have changed while this one waited for its turn. */
  async #member(namespace: string, { name, claim }: ClaimGroup['siblings'][number]): Promise<Member> {
    const now = this.#tools.claims.get(`${namespace}/${name}`) ?? claim
    if (now === undefined) return { name, claim: now, decision: { kind: 'ignore', why: 'it does not exist' } }
    return { name, claim: now, decision: await this.#decide(now) }
  }

  async #decide(claim: ClaimView): Promise<ClaimDecision> {
    const { classes, identity } = this.#tools
    const onNode = await classes.stateOf(claim.storageClassName)
    const storageClass = onNode?.storageClass ?? classes.find(claim.storageClassName)
    return decideClaim({
      claim,
      nodeName: identity.nodeName,
      clusterId: identity.clusterId,
      storageClass,
      nodeLabels: await this.#labelsFor(storageClass),
      group: onNode?.group,
      groupProblem: onNode?.problem,
    })
  }

  /** Labels change without a word to us, so they are read for the few classes that ask for some. */
  async #labelsFor(storageClass: ClassView | undefined): Promise<Readonly<Record<string, string>>> {
    if (storageClass === undefined || storageClass.allowedTopologies.length === 0) return {}
    const { nodeName } = this.#tools.identity
    const node = await this.#tools.ports.client.get<KubeObject>(NODES, { name: nodeName })
    return node?.metadata.labels ?? {}
  }

  async #provision(
    members: readonly Member[],
    admitted: readonly Admitted[],
    text: (message: string) => string,
  ): Promise<Result> {
    let served
    try {
      served = await makeVolumes(this.#tools, admitted)
    } catch (error) {
      const failure = failureOf(error)
      if (failure.kind === 'elsewhere')
        return this.#giveBack(members, { reason: failure.reason, message: text(failure.message) })
      const why = { reason: 'ProvisioningFailed', message: messageOf(error) }
      for (const { claim } of admitted) warnOfClaim(this.#tools, claim, why, 'Provision')
      throw error
    }
    return (await answerClaims(this.#tools, served)) ? undefined : { requeueAfterMs: LOOK_AGAIN_MS }
  }

  async #giveBack(members: readonly Member[], why: Why): Promise<Result> {
    const { nodeName } = this.#tools.identity
    const claims = members.flatMap(({ claim }) => (claim?.selectedNode === nodeName ? [claim] : []))
    const uids = claims.map(({ uid }) => uid)
    const delayMs = this.#pace.delayMs(uids)
    if (delayMs > 0) return { requeueAfterMs: delayMs }
    const isGiven = await giveBack(this.#tools, claims, why)
    this.#pace.note(uids)
    return isGiven ? undefined : { requeueAfterMs: SLOW_RETRY_MS }
  }
}
