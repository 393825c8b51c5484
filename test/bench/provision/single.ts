import type { Figure } from '../report.ts'
import { median } from '../statistics.ts'
import { settle } from './agent.ts'
import { byHand, type ByHand } from './by-hand.ts'
import type { Claims } from './claims.ts'
import type { Cluster } from './cluster.ts'
import { agentWrites, countByKind, untoldMs, wayOf, type Way } from './writes.ts'

/** Within which a change is to reach the scheduler. */
const TOLD_MS = 300
/** Longer than the agent waits with a report, so that no round pays for the one before. */
const QUIET_SECONDS = 3

export interface Single {
  readonly ways: readonly Way[]
  /** Until the scheduler was told what each volume took. */
  readonly untoldMs: readonly number[]
  readonly byHand: readonly ByHand[]
  /** Of claims that are made and removed one at a time. */
  readonly lives: { readonly claims: number; readonly writes: Readonly<Record<string, number>> }
}

/** In the guest: one claim at a time, and as much by hand, in turns. The first round warms up. */
export const measureSingle = async (cluster: Cluster, claims: Claims, rounds: number): Promise<Single> => {
  const names: string[] = []
  const hands: ByHand[] = []
  for (let round = 0; round <= rounds; round++) {
    const made = await claims.make(1)
    await settle(QUIET_SECONDS)
    const hand = await byHand(cluster)
    await settle(1)
    await claims.bind(made)
    await settle(QUIET_SECONDS)
    if (round === 0) continue
    names.push(...made)
    hands.push(hand)
  }
  const lives = await measureLives(cluster, claims, Math.ceil(rounds / 2))
  const events = await cluster.writes()
  const volumes = claims.volumesOf(names)
  const ways = names.map((name, index) => wayOf(events, name, volumes[index] ?? ''))
  return {
    ways,
    untoldMs: ways.map((way, index) => untoldMs(events, way, volumes[index] ?? '')),
    byHand: hands,
    lives,
  }
}

const measureLives = async (cluster: Cluster, claims: Claims, count: number): Promise<Single['lives']> => {
  const fromMs = Date.now()
  for (let index = 0; index < count; index++) {
    const made = await claims.make(1)
    await claims.bind(made)
    await settle(QUIET_SECONDS)
    await claims.remove(made)
    await settle(QUIET_SECONDS)
  }
  const writes = agentWrites(await cluster.writes(), { fromMs, toMs: Date.now() })
  return { claims: count, writes: countByKind(writes) }
}

const sumOf = (counts: Readonly<Record<string, number>>): number =>
  Object.values(counts).reduce((sum, count) => sum + count, 0)

export const singleFigures = ({
  ways,
  untoldMs: untold,
  byHand: hands,
  lives,
}: Single): readonly Figure[] => {
  const acknowledgedMs = median(ways.map(({ selectedMs, acknowledgedMs: end }) => end - selectedMs))
  const lvcreateMs = median(hands.map((hand) => hand.lvcreateMs))
  const postMs = median(hands.map((hand) => hand.postMs))
  return [
    {
      name: 'provision/acknowledged',
      ratio: acknowledgedMs / (lvcreateMs + postMs),
      goal: { atMost: 1 },
      raw: {
        acknowledgedMs,
        controllerMs: median(ways.map(({ selectedMs, askedMs }) => askedMs - selectedMs)),
        agentMs: median(ways.map(({ askedMs, acknowledgedMs: end }) => end - askedMs)),
        lvcreateMs,
        postMs,
        claims: ways.length,
      },
      method: `median of ${ways.length} claims one at a time, from selected-node acknowledged to PersistentVolume acknowledged (audit log; controllerMs of it until kube-controller-manager had named the provisioner), over lvcreate -an with LVM's defaults by bash and one POST on an open connection, in turns; TopoLVM's whole way to Bound: 23`,
    },
    {
      name: 'provision/capacity-told',
      ratio: median(untold) / TOLD_MS,
      goal: { atMost: 1 },
      raw: { medianMs: median(untold), worstMs: Math.max(...untold), claims: untold.length },
      method: `median of the same claims: from the POST of the PersistentVolume received, until the CSIStorageCapacity that counts it is acknowledged (audit log), over ${TOLD_MS} ms`,
    },
    {
      name: 'provision/writes-of-a-life-alone',
      ratio: sumOf(lives.writes) / lives.claims,
      goal: { atMost: 4 },
      raw: { claims: lives.claims, ...lives.writes },
      method: `all API writes of the agent, Leases included, for ${lives.claims} claims made and removed one at a time, over their number; TopoLVM 14.4`,
    },
  ]
}
