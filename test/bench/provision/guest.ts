// The part of the bench that runs in the VM: guest.ts RESULT PLAN writes what it measured to a file, as JSON.
import { writeFile } from 'node:fs/promises'
import { isReady } from '../../cluster/support/storage-class.ts'
import type { NodeLocalStorage } from '../../../crd/types.ts'
import { NODE_LOCAL_STORAGES } from '../../../kube/resources.ts'
import { eventually } from '../../support/eventually.ts'
import { median } from '../statistics.ts'
import { tell, type Figure } from '../report.ts'
import { memoryOf, prepareAgent, settle, startAgent } from './agent.ts'
import { burstFigures, measureBursts, measureTogether, togetherFigures } from './bursts.ts'
import { makeByHandGroup } from './by-hand.ts'
import { Claims } from './claims.ts'
import { createClass, startCluster, type Cluster } from './cluster.ts'
import { idleFigures, measureIdle } from './idle.ts'
import { memoryFigures } from './memory.ts'
import { measureRestart, restartFigures } from './restart.ts'
import { measureSingle, singleFigures } from './single.ts'

/** Counts of a run. */
export interface Plan {
  readonly disk: string
  readonly byHandDisk: string
  readonly rounds: number
  readonly together: number
  readonly idleSeconds: number
  readonly burst: number
  readonly total: number
  readonly restarts: number
  readonly foreignClaims: number
}

const SETTLE_SECONDS = 30

const progress = (what: string): void => console.error(what)

const untilReady = (cluster: Cluster): Promise<unknown> =>
  eventually(
    'the class is Ready on the node',
    async () => {
      const reports: NodeLocalStorage[] = []
      await cluster.client.list<NodeLocalStorage>(NODE_LOCAL_STORAGES, {}, (each) => reports.push(each))
      return reports.some(isReady)
    },
    300_000,
  )

const keep = (figures: Figure[], more: readonly Figure[]): void => {
  figures.push(...tell(progress, more))
}

const measure = async (cluster: Cluster, plan: Plan): Promise<readonly Figure[]> => {
  const { disk, byHandDisk, foreignClaims } = plan
  const figures: Figure[] = []
  await makeByHandGroup(byHandDisk)
  await prepareAgent()
  const started = await startAgent(cluster)
  await createClass(cluster, disk)
  const claims = new Claims(cluster)
  try {
    await untilReady(cluster)
    await settle(SETTLE_SECONDS)
    const idle = await memoryOf(started)
    progress(`${plan.rounds} claims, one at a time`)
    const single = await measureSingle(cluster, claims, plan.rounds)
    keep(figures, singleFigures(single))
    progress(`${plan.together} claims at once`)
    keep(figures, togetherFigures(await measureTogether(cluster, claims, plan.together)))
    let volumes = plan.rounds + 1 + plan.together
    progress(`doing nothing for ${plan.idleSeconds} s`)
    keep(figures, idleFigures(await measureIdle(cluster, started, { seconds: plan.idleSeconds, volumes })))
    progress(`bursts of ${plan.burst} claims, ${plan.total} in all, and as many by a script`)
    const players = { cluster, claims, agent: started }
    const bursts = await measureBursts(players, { byHandDisk, size: plan.burst, total: plan.total })
    keep(figures, burstFigures(bursts, median(single.byHand.map(({ postMs }) => postMs))))
    volumes += plan.total
    progress(`killing the agent ${plan.restarts} times`)
    const { restart, agent } = await measureRestart(cluster, claims, started, {
      ...{ disk, rounds: plan.restarts, volumes },
    })
    keep(figures, restartFigures(restart))
    volumes += plan.restarts
    progress(`${foreignClaims} claims of others`)
    await claims.makeForeign(foreignClaims)
    await settle(SETTLE_SECONDS)
    keep(figures, memoryFigures({ idle, full: await memoryOf(agent), volumes, foreignClaims }))
    await agent.kill()
    return figures
  } finally {
    claims.stop()
  }
}

const [result = '', text = ''] = process.argv.slice(2)
progress('starting a control plane')
const cluster = await startCluster()
try {
  await writeFile(result, JSON.stringify(await measure(cluster, JSON.parse(text) as Plan)))
} finally {
  await cluster.stop()
}
// What a failure left running would keep this process: the agent, watches.
process.exit()
