import { messageOf } from '../core/errors.ts'
import type { Logger } from '../core/logger.ts'
import type { KubeClient, ObjectStore } from '../kube/types.ts'
import type { ClaimView } from '../kube/claim-view.ts'
import type { Problem } from './class-on-node.ts'
import { FOREIGN_WRITES } from './foreign-writes.ts'
import type { Identity } from './ports.ts'

/** Whether the API server holds this agent to its own node. */
export interface OwnNodeGate {
  /** What is wrong, or that it is not known yet; undefined when every policy was seen to refuse. */
  problem(): (Problem & { readonly isKnown: boolean }) | undefined
  /** Waits until it was tried, and tries it when it never was. Never fails. */
  tried(): Promise<void>
  /** Tries again. Gives whether something else came of it than before. Never fails. */
  look(): Promise<boolean>
}

export interface OwnNodeCheckOptions {
  readonly client: KubeClient
  readonly identity: Identity
  readonly claims: ObjectStore<ClaimView>
  readonly log: Logger
}

type Outcome = { readonly state: 'refused' | 'open' } | { readonly state: 'untold'; readonly why: string }

/**
 * Finds out whether the policies of daemonset/own-node are in force, by trying what they have to refuse, as a dry run:
 * that they are there would not say that they bind, nor that tokens carry the name of the node (KEP-4193). For people
 * only: no volume waits for it.
 */
export class OwnNodeCheck implements OwnNodeGate {
  readonly #options: OwnNodeCheckOptions
  /** What came of trying each policy, the last time that the API server told. */
  readonly #outcomes = new Map<string, Outcome>()
  #first: Promise<void> | undefined

  constructor(options: OwnNodeCheckOptions) {
    this.#options = options
  }

  problem(): ReturnType<OwnNodeGate['problem']> {
    const open = this.#policies(({ state }) => state === 'open')
    if (open.length > 0)
      return {
        isKnown: true,
        reason: 'PoliciesNotEnforced',
        message:
          `the API server would let this agent write what belongs to another node: nothing enforces ${open.join(', ')}. ` +
          'Volumes work all the same, but who takes over one node could then destroy volumes of others. ' +
          'Apply daemonset/ again: it has the ValidatingAdmissionPolicies and their bindings',
      }
    const [untold] = [...this.#outcomes.values()].filter((outcome) => outcome.state === 'untold')
    if (this.#outcomes.size > 0 && untold === undefined) return undefined
    const why = untold === undefined ? 'it was not tried yet' : untold.why
    return { isKnown: false, reason: 'NotTried', message: `whether the policies are enforced: ${why}` }
  }

  tried(): Promise<void> {
    this.#first ??= this.look().then(() => undefined)
    return this.#first
  }

  async look(): Promise<boolean> {
    const before = JSON.stringify(this.problem())
    await Promise.all(FOREIGN_WRITES.map((write) => this.#try(write)))
    const problem = this.problem()
    const isNews = JSON.stringify(problem) !== before
    if (isNews) this.#log(problem)
    return isNews
  }

  async #try({ policy, attempt }: (typeof FOREIGN_WRITES)[number]): Promise<void> {
    const { client, identity, claims } = this.#options
    const outcome = await attempt({ client, identity, claims }).then(
      (wasTried): Outcome | undefined => (wasTried ? { state: 'open' } : undefined),
      (error: unknown): Outcome => {
        const why = messageOf(error)
        return why.includes(`ValidatingAdmissionPolicy '${policy}'`)
          ? { state: 'refused' }
          : { state: 'untold', why }
      },
    )
    // What was told once is not forgotten because the API server is away.
    const isLess = outcome?.state === 'untold' && this.#outcomes.has(policy)
    if (outcome !== undefined && !isLess) this.#outcomes.set(policy, outcome)
  }

  #policies(is: (outcome: Outcome) => boolean): string[] {
    return [...this.#outcomes].filter(([, outcome]) => is(outcome)).map(([policy]) => policy)
  }

  #log(problem: ReturnType<OwnNodeGate['problem']>): void {
    const { log } = this.#options
    if (problem === undefined) log.info('the API server holds this agent to its own node')
    else log.warn('the API server may not hold this agent to its own node', { detail: problem.message })
  }
}
