import { expect } from 'chai'
import fc from 'fast-check'
import { isWholeSet } from '../../faults/extent.ts'
import { sequences, type Action } from './actions.ts'
import { startModelCluster, type ModelCluster } from './cluster.ts'
import { modelLog } from './model-log.ts'
import { runSequence, type Tally } from './sequence.ts'

const { LOAM_MODEL_SEED, LOAM_MODEL_PATH, LOAM_MODEL_RUNS } = process.env
/** The short set is the same in every run, so that a change is to blame when it breaks; the long one looks for more. */
const SHORT_SEED = 20261129
const seed = Number(LOAM_MODEL_SEED ?? (isWholeSet ? Date.now() % 2 ** 31 : SHORT_SEED))
const RUNS = Number(LOAM_MODEL_RUNS ?? (isWholeSet ? 200 : 6))
/** A sequence waits more than it works. */
const AT_ONCE = 3
/** The long one takes most of an hour. */
const TELL_EVERY = 20
const SHRINK_MS = isWholeSet ? 600_000 : 90_000

const total = (tallies: readonly Tally[], what: keyof Tally): number =>
  tallies.reduce((sum, tally) => sum + tally[what], 0)

const describeTallies = (tallies: readonly Tally[]): string =>
  `      ${tallies.length} sequences: ${total(tallies, 'volumesAnswered')} volumes answered, ` +
  `${total(tallies, 'volumesRemoved')} removed, ${total(tallies, 'claimsRefused')} claims refused for want of space, ` +
  `${total(tallies, 'deaths')} deaths of agents, ${total(tallies, 'faultsMet')} faults of the API server`

describe('a model of users, nodes and faults, and the real agent', function () {
  this.timeout(RUNS * 60_000 + SHRINK_MS)
  let model: ModelCluster | undefined
  const tallies: Tally[] = []

  before(async () => {
    model = await startModelCluster()
  })
  after(async () => model?.stop())

  const property = () =>
    fc.asyncProperty(sequences, async (actions: Action[]) => {
      if (model !== undefined) tallies.push(await runSequence(model.cluster, actions, modelLog()))
    })

  /** One of the sequences that the seed makes; shorter ones when it breaks a promise, as long as there is time. */
  const check = (path: string) =>
    fc.check(property(), {
      seed,
      path,
      numRuns: 1,
      interruptAfterTimeLimit: SHRINK_MS,
      markInterruptAsFailure: false,
    })

  const explain = (details: fc.RunDetails<[Action[]]>): string =>
    `LOAM_MODEL_SEED=${seed} LOAM_MODEL_PATH=${details.counterexamplePath ?? ''} repeats it:\n` +
    `${(details.counterexample?.[0] ?? []).map((action) => JSON.stringify(action)).join('\n')}\n` +
    (details.errorInstance instanceof Error ? details.errorInstance.message : String(details.errorInstance))

  it(`keeps every promise in ${RUNS} sequences (LOAM_MODEL_SEED=${seed})`, async () => {
    const paths =
      LOAM_MODEL_PATH === undefined ? Array.from({ length: RUNS }, (_, run) => `${run}`) : [LOAM_MODEL_PATH]
    const left = paths.values()
    const broken: string[] = []
    let done = 0
    const worker = async (): Promise<void> => {
      for (const path of left) {
        const details = await check(path)
        if (details.failed) broken.push(explain(details))
        done += 1
        if (done % TELL_EVERY === 0) console.log(`      ${done} of ${paths.length}, ${broken.length} broken`)
        if (broken.length > 0 && !isWholeSet) return
      }
    }
    await Promise.all(Array.from({ length: AT_ONCE }, worker))
    console.log(describeTallies(tallies))
    if (broken.length > 0) throw new Error(broken.join('\n\n'))
    // one sequence may make none
    if (LOAM_MODEL_PATH === undefined)
      expect(total(tallies, 'volumesAnswered'), 'volumes that were made').to.be.greaterThan(0)
  })
})
