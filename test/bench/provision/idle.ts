import type { Figure } from '../report.ts'
import { cpuOf, settle, type Agent } from './agent.ts'
import type { Cluster } from './cluster.ts'
import { agentWrites, countByKind } from './writes.ts'

export interface Idle {
  readonly seconds: number
  readonly volumes: number
  readonly cpuSeconds: number
  readonly writes: Readonly<Record<string, number>>
}

/** In the guest: nothing happens for so long. */
export const measureIdle = async (
  cluster: Cluster,
  agent: Agent,
  { seconds, volumes }: { seconds: number; volumes: number },
): Promise<Idle> => {
  const fromMs = Date.now()
  const cpuBefore = await cpuOf(agent)
  await settle(seconds)
  const cpuSeconds = (await cpuOf(agent)) - cpuBefore
  const writes = agentWrites(await cluster.writes(), { fromMs, toMs: Date.now() })
  return { seconds, volumes, cpuSeconds, writes: countByKind(writes) }
}

export const idleFigures = ({ seconds, volumes, cpuSeconds, writes }: Idle): readonly Figure[] => {
  const count = Object.values(writes).reduce((sum, each) => sum + each, 0)
  return [
    {
      name: 'provision/idle-writes',
      ratio: (count * 60) / seconds,
      goal: { atMost: 7 },
      raw: { seconds, volumes, ...writes },
      method: `API writes of the agent in a minute, of ${seconds} s in which nothing happened, Leases and dry runs included; the check of every ten minutes is in it when the run is at full counts; TopoLVM 54 for node and controller`,
    },
    {
      name: 'provision/idle-cpu',
      ratio: (cpuSeconds * 100) / seconds,
      goal: { atMost: 1 },
      raw: { seconds, volumes, cpuSeconds },
      method: `percent of the one core: user and system time of the agent and its children in ${seconds} s in which nothing happened, with ${volumes} volumes, over those seconds; TopoLVM 58`,
    },
  ]
}
