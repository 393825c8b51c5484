import { execa } from 'execa'
import { join } from 'node:path'

import type { Facts } from './facts.ts'
import { noFormerBytes } from './former-bytes.ts'
import { readGroups, type ReadGroup } from './group-reading.ts'
import { checkMoment, isPool, Violation } from './invariants.ts'
import type { Message, Order } from './order.ts'

const VICTIM = join(import.meta.dirname, 'victim.ts')

interface Run {
  readonly messages: readonly Message[]
  readonly isKilled: boolean
  readonly complaint: string
}

const runVictim = async (order: Order): Promise<Run> => {
  const ended = await execa(process.execPath, [VICTIM, JSON.stringify(order)], { reject: false })
  const lines = ended.stdout.split('\n').filter((line) => line !== '')
  return {
    messages: lines.map((line) => JSON.parse(line) as Message),
    isKilled: ended.signal === 'SIGKILL',
    complaint: ended.stderr,
  }
}

/** The order for whoever comes after this run. */
const orderAfter = (order: Order, { messages }: Run): Order => {
  const acknowledged = messages.flatMap((message) =>
    'acknowledged' in message ? [message.acknowledged] : [],
  )
  const killedAt = messages.flatMap((message) => ('killedAt' in message ? [message.killedAt] : []))
  return {
    ...order,
    done: order.done + acknowledged.length,
    facts: acknowledged.at(-1) ?? order.facts,
    spent: [...order.spent, ...killedAt],
  }
}

const check = async (order: Order, before: readonly ReadGroup[]): Promise<readonly ReadGroup[]> => {
  const groups = await readGroups()
  const { facts, claim, story, done } = order
  const removalAsked = story[done] === 'remove' || facts.removed === true
  const claimUids = facts.removed === true ? [] : [claim.uid]
  checkMoment({ groups, before, facts, claimUids, removalAsked })
  const isGone = removalAsked && groups.every(({ volumes }) => volumes.every(isPool))
  // a pool keeps what a thin volume had, and zeroes it before another volume gets it
  const isErased = claim.erase !== 'none' && claim.layout !== 'thin'
  if (isGone && isErased) await noFormerBytes(order.disks)
  return groups
}

/**
 * Lets process after process go on with one story; each is killed at the first point at which none was killed before,
 * until one comes to the end. After each, the disks are read and the invariants checked.
 *
 * @returns the points at which a process was killed, in order, and what was acknowledged.
 * @throws Violation, also when a process ended without being killed and without coming to the end.
 */
export const crashThrough = async (first: Order): Promise<{ points: readonly string[]; facts: Facts }> => {
  let order = first
  let groups: readonly ReadGroup[] = []
  for (;;) {
    const run = await runVictim(order)
    order = orderAfter(order, run)
    const at = order.spent.at(-1) ?? 'the start'
    try {
      groups = await check(order, groups)
    } catch (cause) {
      if (!(cause instanceof Violation)) throw cause
      throw new Violation(`${cause.message} (after a kill at ${at})`, { cause })
    }
    if (run.messages.some((message) => 'end' in message))
      return { points: order.spent.slice(first.spent.length), facts: order.facts }
    if (!run.isKilled) throw new Violation(`I12: no way on after a kill at ${at}: ${run.complaint}`)
  }
}
