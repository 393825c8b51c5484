/**
 * kube-scheduler puts each text that it has not seen before into the pod's status (framework, FitError): so many of them
 * for a pod, then one that nodes share.
 */
const MOST_TEXTS = 30
const SHARED = 'cannot have its volumes'

/** Why nodes are refused to a pod: no more texts than a person reads, and none made that is not told. */
export class RefusalTexts {
  readonly #byText = new Map<string, string[]>()
  #last: { readonly text: () => string; readonly nodeNames: string[] } | undefined

  /** The same function stands for the same text. */
  add(nodeName: string, text: () => string): void {
    if (this.#last?.text !== text) this.#last = { text, nodeNames: this.#sharing(text) }
    this.#last.nodeNames.push(nodeName)
  }

  /** By text; in the order in which they came. */
  get nodeNames(): ReadonlyMap<string, readonly string[]> {
    return this.#byText
  }

  #sharing(text: () => string): string[] {
    const told = this.#byText.size < MOST_TEXTS ? text() : SHARED
    const nodeNames = this.#byText.get(told) ?? []
    this.#byText.set(told, nodeNames)
    return nodeNames
  }
}
