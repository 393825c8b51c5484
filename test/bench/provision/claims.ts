import { setTimeout as sleep } from 'node:timers/promises'
import PQueue from 'p-queue'
import { silentLogger } from '../../../core/logger.ts'
import { SELECTED_NODE, type PersistentVolumeClaim } from '../../../kube/claim-view.ts'
import { startReflector, type Reflector } from '../../../kube/reflector.ts'
import { PERSISTENT_VOLUMES, PERSISTENT_VOLUME_CLAIMS } from '../../../kube/resources.ts'
import type { KubeObject } from '../../../kube/types.ts'
import { CLASS, NODE_NAME, type Cluster } from './cluster.ts'

const NAMESPACE = 'default'
/** As many as kube-scheduler has bindings under way at a time is without bound; the client has eight connections. */
const AT_ONCE = 8
const WITHIN_MS = 20 * 60_000
const LOOK_MS = 50

interface Volume extends KubeObject {
  readonly spec: { readonly storageClassName?: string }
}

/** One extent of LVM's usual size. */
export const CLAIM_SIZE = '4Mi'

const claimOf = (name: string): KubeObject & Record<string, unknown> => ({
  metadata: { namespace: NAMESPACE, name },
  spec: {
    storageClassName: CLASS,
    accessModes: ['ReadWriteOnce'],
    resources: { requests: { storage: CLAIM_SIZE } },
  },
})

/** Claims as a user makes them, and the node on them as kube-scheduler writes it. */
export class Claims {
  readonly #cluster: Cluster
  readonly #ending = new AbortController()
  readonly #claims: Reflector<{ uid: string; phase: string }>
  readonly #volumes: Reflector<true>
  #made = 0

  constructor(cluster: Cluster) {
    this.#cluster = cluster
    const common = { transport: cluster.transport, log: silentLogger, signal: this.#ending.signal }
    this.#claims = startReflector({
      ...common,
      type: PERSISTENT_VOLUME_CLAIMS,
      project: ({ metadata, spec, status }: PersistentVolumeClaim) =>
        spec.storageClassName === CLASS ? { uid: metadata.uid ?? '', phase: status?.phase ?? '' } : undefined,
    })
    this.#volumes = startReflector({
      ...common,
      type: PERSISTENT_VOLUMES,
      project: ({ spec }: Volume) => (spec.storageClassName === CLASS ? true : undefined),
    })
  }

  /** Makes claims that wait for a pod; gives their names. */
  async make(count: number): Promise<readonly string[]> {
    const names = Array.from({ length: count }, () => `claim-${String(this.#made++).padStart(5, '0')}`)
    await this.#each(names, (name) => this.#cluster.client.create(PERSISTENT_VOLUME_CLAIMS, claimOf(name)))
    await this.#until('the claims are seen', () => names.every((name) => this.#find(name) !== undefined))
    return names
  }

  /** Gives all of them to the node, and waits until the last is Bound. */
  async bind(names: readonly string[]): Promise<void> {
    const patch = { metadata: { annotations: { [SELECTED_NODE]: NODE_NAME } } }
    await this.#each(names, (name) =>
      this.#cluster.client.patch(PERSISTENT_VOLUME_CLAIMS, { namespace: NAMESPACE, name }, patch, {
        type: 'merge',
      }),
    )
    await this.#until('all claims are Bound', () =>
      names.every((name) => this.#find(name)?.phase === 'Bound'),
    )
  }

  /** Names of the PersistentVolumes that the claims get. */
  volumesOf(names: readonly string[]): readonly string[] {
    return names.map((name) => `pvc-${this.#find(name)?.uid ?? ''}`)
  }

  /** Deletes claims, and waits until their PersistentVolumes are gone. */
  async remove(names: readonly string[]): Promise<void> {
    const volumes = this.volumesOf(names)
    await this.#each(names, (name) =>
      this.#cluster.client.delete(
        PERSISTENT_VOLUME_CLAIMS,
        { namespace: NAMESPACE, name },
        { uid: this.#find(name)?.uid ?? '' },
      ),
    )
    await this.#until('all PersistentVolumes are gone', () =>
      volumes.every((name) => this.#volumes.get(name) === undefined),
    )
  }

  /** Claims of another class that have a volume elsewhere, as a large cluster is full of them. */
  async makeForeign(count: number): Promise<void> {
    const names = Array.from({ length: count }, (_, index) => `foreign-${index}`)
    await this.#each(names, (name) => {
      const claim = claimOf(name)
      const spec = { ...(claim.spec as object), storageClassName: 'elsewhere', volumeName: `of-${name}` }
      return this.#cluster.client.create(PERSISTENT_VOLUME_CLAIMS, { ...claim, spec })
    })
  }

  stop(): void {
    this.#ending.abort()
  }

  #find(name: string): { uid: string; phase: string } | undefined {
    return this.#claims.get(`${NAMESPACE}/${name}`)
  }

  async #each(names: readonly string[], work: (name: string) => Promise<unknown>): Promise<void> {
    const queue = new PQueue({ concurrency: AT_ONCE })
    await queue.addAll(names.map((name) => () => work(name)))
  }

  async #until(what: string, isTrue: () => boolean): Promise<void> {
    const deadline = performance.now() + WITHIN_MS
    while (!isTrue()) {
      if (performance.now() > deadline) throw new Error(`did not come true: ${what}`)
      await sleep(LOOK_MS)
    }
  }
}
