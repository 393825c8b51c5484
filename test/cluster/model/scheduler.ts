import { setTimeout as sleep } from 'node:timers/promises'
import { claimNamesOf, type Pod } from '../../../agent/claim-siblings.ts'
import { messageOf } from '../../../core/errors.ts'
import { TOPOLOGY_KEY } from '../../../core/naming.ts'
import { parseQuantity } from '../../../core/quantity.ts'
import { SELECTED_NODE, type PersistentVolumeClaim } from '../../../kube/claim-view.ts'
import { Conflict, NotFound } from '../../../kube/errors.ts'
import { PERSISTENT_VOLUME_CLAIMS } from '../../../kube/resources.ts'
import type { KubeClient } from '../../../kube/types.ts'
import type { Chronicles } from './chronicle.ts'

const TICK_MS = 50
/** A pod that was given back waits, as in kube-scheduler's backoff queue. */
const BACKOFF_MS = 700

export const selectedNodeOf = ({ metadata }: PersistentVolumeClaim): string | undefined =>
  metadata.annotations?.[SELECTED_NODE]
export const requestOf = ({ spec }: PersistentVolumeClaim): bigint =>
  parseQuantity(spec.resources?.requests?.storage ?? '') ?? 0n
export const isBound = ({ spec }: PersistentVolumeClaim): boolean => (spec.volumeName ?? '') !== ''
const isGoing = ({ metadata }: { readonly metadata: { readonly deletionTimestamp?: string } }): boolean =>
  metadata.deletionTimestamp !== undefined

export interface SchedulerOptions {
  readonly client: KubeClient
  readonly chronicles: Chronicles
  readonly namespace: string
  readonly storageClassName: string
  readonly nodes: readonly string[]
}

interface Choice {
  readonly pod: Pod
  readonly node: string
  readonly claims: readonly PersistentVolumeClaim[]
}

/**
 * kube-scheduler's VolumeBinding as far as a claim sees it: a node with a CSIStorageCapacity that is large enough for
 * each claim of a pod by itself, written on one claim after the other. With `adds` it sees that the claims of one pod do
 * not fit together, so that it comes to rest.
 */
export class ScriptedScheduler {
  readonly #options: SchedulerOptions
  readonly #stopping = new AbortController()
  readonly #triedAt = new Map<string, number>()
  adds = false

  constructor(options: SchedulerOptions) {
    this.#options = options
  }

  async run(): Promise<void> {
    const { signal } = this.#stopping
    while (!signal.aborted) {
      for (const choice of this.choices()) await this.#write(choice)
      await sleep(TICK_MS, undefined, { signal }).catch(() => undefined)
    }
  }

  stop(): void {
    this.#stopping.abort()
  }

  /** What it would write now. */
  choices(): Choice[] {
    const { pods } = this.#options.chronicles
    return pods
      .current()
      .filter((pod) => pod.metadata.namespace === this.#options.namespace && !isGoing(pod))
      .flatMap((pod) => this.#choose(pod) ?? [])
  }

  #choose(pod: Pod): Choice | undefined {
    const { namespace, chronicles } = this.#options
    const claims = claimNamesOf(pod).map((name) => chronicles.claims.get(namespace, name))
    if (claims.some((claim) => claim === undefined || isGoing(claim))) return undefined
    const unbound = claims.filter(
      (claim) => claim !== undefined && !isBound(claim),
    ) as PersistentVolumeClaim[]
    const waiting = unbound.filter((claim) => selectedNodeOf(claim) === undefined)
    if (waiting.length === 0) return undefined
    const [pinned] = claims.flatMap((claim) => (claim === undefined ? [] : (this.#nodeOfVolume(claim) ?? [])))
    const [selected] = unbound.flatMap((claim) => selectedNodeOf(claim) ?? [])
    const order = [...new Set([...(selected === undefined ? [] : [selected]), ...this.#options.nodes])]
    const nodes = pinned === undefined ? order : [pinned]
    const node = nodes.find((each) => this.#fits(each, unbound))
    if (node === undefined) return undefined
    return { pod, node, claims: unbound.filter((claim) => selectedNodeOf(claim) !== node) }
  }

  #nodeOfVolume(claim: PersistentVolumeClaim): string | undefined {
    const volume = this.#options.chronicles.volumes.get(undefined, claim.spec.volumeName ?? '')
    return volume === undefined ? undefined : nodeOfVolume(volume)
  }

  #fits(node: string, claims: readonly PersistentVolumeClaim[]): boolean {
    const { chronicles, storageClassName } = this.#options
    const capacity = chronicles.capacities
      .current()
      .find(
        (each) =>
          each.storageClassName === storageClassName && each.nodeTopology.matchLabels[TOPOLOGY_KEY] === node,
      )
    const largest = parseQuantity(capacity?.maximumVolumeSize ?? '0') ?? 0n
    const sizes = claims.map(requestOf)
    const sum = sizes.reduce((total, size) => total + size, 0n)
    return this.adds ? sum <= largest : sizes.every((size) => size <= largest)
  }

  async #write({ pod, node, claims }: Choice): Promise<void> {
    const uid = pod.metadata.uid ?? ''
    if (performance.now() - (this.#triedAt.get(uid) ?? -Infinity) < BACKOFF_MS) return
    this.#triedAt.set(uid, performance.now())
    for (const claim of claims) await this.select(claim, node)
  }

  /** Writes the node on the version of the claim that it has seen. */
  async select({ metadata }: PersistentVolumeClaim, node: string): Promise<void> {
    const { namespace = '', name = '', uid, resourceVersion } = metadata
    const patch = { metadata: { uid, resourceVersion, annotations: { [SELECTED_NODE]: node } } }
    try {
      await this.#options.client.patch(PERSISTENT_VOLUME_CLAIMS, { namespace, name }, patch, {
        type: 'merge',
      })
    } catch (error) {
      if (!(error instanceof Conflict || error instanceof NotFound))
        throw new Error(`the scheduler cannot go on: ${messageOf(error)}`, { cause: error })
    }
  }
}

/** The node that a PersistentVolume of ours is on. */
export const nodeOfVolume = (volume: {
  readonly spec: { readonly nodeAffinity?: unknown }
}): string | undefined => {
  const affinity = volume.spec.nodeAffinity as
    | {
        required?: {
          nodeSelectorTerms?: readonly { matchExpressions?: readonly { values?: readonly string[] }[] }[]
        }
      }
    | undefined
  return affinity?.required?.nodeSelectorTerms?.[0]?.matchExpressions?.[0]?.values?.[0]
}
