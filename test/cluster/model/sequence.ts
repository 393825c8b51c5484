import { randomBytes } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { NODE_LABEL } from '../../../core/naming.ts'
import type { Logger } from '../../../core/logger.ts'
import { PERSISTENT_VOLUMES } from '../../../kube/resources.ts'
import type { Action } from './actions.ts'
import { misdeedsOf } from './history-invariants.ts'
import { perform } from './perform.ts'
import { watchRequests } from './request-checks.ts'
import { nodeOfVolume } from './scheduler.ts'
import { takeSnapshot } from './snapshot.ts'
import { faultsOf } from './state-invariants.ts'
import { World, type Cluster } from './world.ts'

/** I12: a claim that was given back many times is taken up again within a minute (agent/give-back-pace.ts). */
const REST_WITHIN_MS = Number(process.env.LOAM_MODEL_REST_MS ?? 60_000)
const LOOK_MS = 100
/** It is at rest when nothing is wrong at so many looks in a row. */
const LOOKS = 5

/** A promise was broken; the message has all that is wrong. */
class Violation extends Error {}

/** A person puts right what a person did. */
const relabel = async ({ cluster, name }: World): Promise<void> => {
  for (const volume of cluster.chronicles.volumes.current())
    if (volume.spec.claimRef?.namespace === name && volume.metadata.labels?.[NODE_LABEL] === undefined)
      await cluster.client
        .patch(
          PERSISTENT_VOLUMES,
          { name: volume.metadata.name ?? '' },
          { metadata: { labels: { [NODE_LABEL]: nodeOfVolume(volume) } } },
          { type: 'merge' },
        )
        .catch(() => undefined)
}

/** Waits until all is as it should be. @throws Violation */
const rest = async (world: World): Promise<void> => {
  const deadline = performance.now() + REST_WITHIN_MS
  let faults: readonly string[] = []
  for (let well = 0; well < LOOKS;) {
    await relabel(world)
    faults = faultsOf(takeSnapshot(world), world)
    well = faults.length === 0 ? well + 1 : 0
    if (world.violations.length > 0 || performance.now() > deadline) break
    await sleep(LOOK_MS)
  }
  const wrong = [...world.violations, ...misdeedsOf(world), ...faults]
  if (wrong.length > 0) throw new Violation(wrong.join('\n'))
}

/** Takes the faults away first. */
const healAndRest = async (world: World): Promise<void> => {
  await world.heal()
  await rest(world)
}

/** How much happened, so that it shows when little did. */
export interface Tally {
  readonly volumesAnswered: number
  readonly volumesRemoved: number
  readonly claimsRefused: number
  readonly deaths: number
  readonly faultsMet: number
}

const sum = (numbers: readonly number[]): number => numbers.reduce((total, each) => total + each, 0)

const tallyOf = ({ name, nodes, cluster: { chronicles } }: World): Tally => ({
  volumesAnswered: chronicles.volumes
    .all()
    .filter(([first]) => first?.object?.spec.claimRef?.namespace === name).length,
  volumesRemoved: sum(nodes.map(({ memory }) => memory.removals.filter(({ by }) => by === 'agent').length)),
  claimsRefused: sum(nodes.map(({ memory }) => memory.refusedAt.size)),
  deaths: sum(nodes.map(({ agent }) => agent.deaths)),
  faultsMet: sum(nodes.map(({ way }) => way.faultsMet)),
})

/** Several test programs may use one cluster. */
const program = randomBytes(3).toString('hex')
let count = 0

/** Does the actions in a world of their own, and looks at what came of it. @throws Violation */
export const runSequence = async (
  cluster: Cluster,
  actions: readonly Action[],
  log?: Logger,
): Promise<Tally> => {
  count += 1
  const world = await World.begin(`model-${program}-${count}`, cluster, log)
  for (const node of world.nodes) watchRequests(world, node)
  try {
    await rest(world)
    for (const action of actions) {
      if (action.do === 'rest') await healAndRest(world)
      else await perform(world, action)
      if (world.violations.length > 0) break
    }
    await healAndRest(world)
  } finally {
    await world.end()
  }
  return tallyOf(world)
}
