import type { Figure } from '../report.ts'
import { median } from '../statistics.ts'
import { settle, type Agent } from './agent.ts'
import { bareScript, byHand, type BareRun } from './by-hand.ts'
import type { Claims } from './claims.ts'
import type { Cluster } from './cluster.ts'
import { cpuMsEach, cpuShares, type CpuShares } from './cpu-shares.ts'
import { agentWrites, countByKind, wayOf } from './writes.ts'

/** Until the report that follows the last change is written. */
const REPORT_SECONDS = 12
const FLOOR_ROUNDS = 3

type Counts = Readonly<Record<string, number>>

const sumOf = (counts: Counts): number => Object.values(counts).reduce((sum, count) => sum + count, 0)

export interface Together {
  readonly claims: number
  readonly boundMs: number
  readonly acknowledgedMs: number
  readonly lvcreateMs: number
}

/** From the first node written on a claim until the last PersistentVolume was acknowledged. */
const acknowledgedIn = async (
  cluster: Cluster,
  claims: Claims,
  names: readonly string[],
): Promise<number> => {
  const events = await cluster.writes()
  const volumes = claims.volumesOf(names)
  const ways = names.map((name, index) => wayOf(events, name, volumes[index] ?? ''))
  return (
    Math.max(...ways.map(({ acknowledgedMs }) => acknowledgedMs)) -
    Math.min(...ways.map(({ selectedMs }) => selectedMs))
  )
}

/** In the guest: claims of pods that start at the same time, with the bare lvcreate before and after. */
export const measureTogether = async (cluster: Cluster, claims: Claims, count: number): Promise<Together> => {
  const lvcreateMs: number[] = []
  const floor = async (): Promise<void> => {
    for (let round = 0; round < FLOOR_ROUNDS; round++) lvcreateMs.push((await byHand(cluster)).lvcreateMs)
  }
  const names = await claims.make(count)
  await settle(REPORT_SECONDS)
  await floor()
  const start = performance.now()
  await claims.bind(names)
  const boundMs = performance.now() - start
  await settle(REPORT_SECONDS)
  await floor()
  const acknowledgedMs = await acknowledgedIn(cluster, claims, names)
  return { claims: count, boundMs, acknowledgedMs, lvcreateMs: median(lvcreateMs) }
}

export const togetherFigures = ({
  claims,
  boundMs,
  acknowledgedMs,
  lvcreateMs,
}: Together): readonly Figure[] => [
  {
    name: 'provision/together',
    ratio: boundMs / (claims * lvcreateMs),
    goal: { atMost: 1.5 },
    raw: { boundMs, acknowledgedMs, lvcreateMs, claims },
    method: `${claims} claims at once, from the first selected-node until the last is Bound, over ${claims} times the lvcreate -an with LVM's defaults (median of ${2 * FLOOR_ROUNDS} before and after); TopoLVM 59`,
  },
]

interface Burst {
  readonly claims: number
  readonly loamMs: number
  readonly bare: BareRun
  readonly createWrites: Counts
  /** Of a claim, from the first selected node until the last claim is Bound. */
  readonly cpuMs: CpuShares
}

interface Players {
  readonly cluster: Cluster
  readonly claims: Claims
  readonly agent: Agent
}

const measureBurst = async (
  { cluster, claims, agent }: Players,
  byHandDisk: string,
  count: number,
): Promise<{ readonly burst: Burst; readonly names: readonly string[] }> => {
  const names = await claims.make(count)
  await settle(REPORT_SECONDS)
  const fromMs = Date.now()
  const cpuBefore = await cpuShares(agent)
  await claims.bind(names)
  const cpuMs = cpuMsEach(cpuBefore, await cpuShares(agent), count)
  await settle(REPORT_SECONDS)
  const writes = agentWrites(await cluster.writes(), { fromMs, toMs: Date.now() })
  const loamMs = await acknowledgedIn(cluster, claims, names)
  const bare = await bareScript(cluster, byHandDisk, count)
  return { burst: { claims: count, loamMs, bare, createWrites: countByKind(writes), cpuMs }, names }
}

export interface Bursts {
  readonly bursts: readonly Burst[]
  /** Of the removal of the first burst's claims. */
  readonly deleteWrites: Counts
}

/** In the guest: a burst that is removed again, then as many of the same size as the node is to hold claims. */
export const measureBursts = async (
  players: Players,
  { byHandDisk, size, total }: { byHandDisk: string; size: number; total: number },
): Promise<Bursts> => {
  const { cluster, claims } = players
  const { names, burst: first } = await measureBurst(players, byHandDisk, size)
  const fromMs = Date.now()
  await claims.remove(names)
  await settle(REPORT_SECONDS)
  const writes = agentWrites(await cluster.writes(), { fromMs, toMs: Date.now() })
  const bursts: Burst[] = [first]
  for (let made = 0; made < total; made += size) {
    const next = await measureBurst(players, byHandDisk, Math.min(size, total - made))
    bursts.push(next.burst)
  }
  return { bursts, deleteWrites: countByKind(writes) }
}

const total = (bursts: readonly Burst[], of: (burst: Burst) => number): number =>
  bursts.reduce((sum, burst) => sum + of(burst), 0)

const rateFigure = (name: string, bursts: readonly Burst[], postMs: number): Figure => {
  const claims = total(bursts, (burst) => burst.claims)
  const loamMs = total(bursts, (burst) => burst.loamMs)
  const bareMs = total(bursts, ({ bare }) => bare.totalMs)
  const curlMs = total(bursts, ({ bare }) => bare.curlMs)
  return {
    name,
    ratio: bareMs / loamMs,
    goal: { atLeast: 1 },
    raw: {
      loamPerSecond: (claims * 1000) / loamMs,
      barePerSecond: (claims * 1000) / bareMs,
      curlShare: curlMs / bareMs,
      ratioWithOpenConnection: (bareMs - curlMs + claims * postMs) / loamMs,
      claims,
      // of the first burst: they differ little
      ...bursts[0]?.cpuMs,
    },
    method: `volumes a second for ${claims} claims in bursts of ${bursts[0]?.claims ?? 0}, from the first selected-node to the last PersistentVolume acknowledged, over a bash script of the same lvcreate, a flush and curl, in turns`,
  }
}

/** `postMs` is what a POST takes on a connection that is open already. */
export const burstFigures = ({ bursts, deleteWrites }: Bursts, postMs: number): readonly Figure[] => {
  const [first, ...rest] = bursts
  if (first === undefined) return []
  const creates = sumOf(first.createWrites)
  return [
    {
      name: 'provision/writes-of-a-claim',
      ratio: creates / first.claims,
      goal: { atMost: 1.1 },
      raw: { claims: first.claims, ...first.createWrites },
      method: `all API writes of the agent during a burst of ${first.claims} claims and ${REPORT_SECONDS} s after it, Leases and events included (audit log), over their number; TopoLVM 21.2`,
    },
    {
      name: 'provision/writes-of-a-life',
      ratio: (creates + sumOf(deleteWrites)) / first.claims,
      goal: { atMost: 4 },
      raw: { claims: first.claims, creates, ...deleteWrites },
      method: `the same, and the writes while the ${first.claims} claims were removed at once; TopoLVM 14.4, one at a time`,
    },
    rateFigure(`provision/rate-${first.claims}`, [first], postMs),
    rateFigure(`provision/rate-${total(rest, (burst) => burst.claims)}`, rest, postMs),
  ]
}
