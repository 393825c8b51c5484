/**
 * kube-scheduler puts each text that it has not seen before into the pod's status (framework, FitError): so many of them
 * for a pod, then one that nodes share.
 */
const MOST_TEXTS = 30
const SHARED = 'cannot have its volumes'

/** Why nodes are refused to a pod: no more texts than a person reads, and none made that is not told. */
export class RefusalTexts {
  readonly byNode: Record<string, string> = Object.create(null) as Record<string, string>
  readonly #texts = new Set<string>()

  add(nodeName: string, text: () => string): void {
    if (this.#texts.size >= MOST_TEXTS) {
      this.byNode[nodeName] = SHARED
      return
    }
    const told = text()
    this.#texts.add(told)
    this.byNode[nodeName] = told
  }
}
