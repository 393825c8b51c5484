import { PODS } from '../kube/resources.ts'
import type { KubeClient } from '../kube/types.ts'
import { SharedRead } from '../lvm/shared-read.ts'
import type { Pod } from './claim-siblings.ts'

interface Reading {
  readonly pods: SharedRead<readonly Pod[]>
  askers: number
}

/**
 * Pods that have no node yet, as the API server lists them. Claims of a namespace that come together share a list, so a
 * burst of them costs a few and not one each; nobody gets one that began before he asked.
 */
export class WaitingPods {
  readonly #client: KubeClient
  readonly #readings = new Map<string, Reading>()

  constructor(client: KubeClient) {
    this.#client = client
  }

  /** @throws as KubeClient.list */
  async in(namespace: string): Promise<readonly Pod[]> {
    const reading = this.#readings.get(namespace) ?? {
      pods: new SharedRead(() => this.#list(namespace)),
      askers: 0,
    }
    this.#readings.set(namespace, reading)
    reading.askers += 1
    try {
      return await reading.pods.fresh()
    } finally {
      reading.askers -= 1
      if (reading.askers === 0) this.#readings.delete(namespace)
    }
  }

  async #list(namespace: string): Promise<readonly Pod[]> {
    const pods: Pod[] = []
    const unscheduled = { namespace, fieldSelector: 'spec.nodeName=' }
    await this.#client.list<Pod>(PODS, unscheduled, (pod) => pods.push(pod))
    return pods
  }
}
