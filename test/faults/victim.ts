// A process that works as the agent does, and is killed at the first failpoint that is not spent: victim.ts ORDER
import { writeSync } from 'node:fs'

import { LoamError, messageOf } from '../../core/errors.ts'
import { Refused } from '../../lvm/errors.ts'
import { MIB, startNode, usualRunner } from '../node/lvm/fixture.ts'
import { eventually } from '../support/eventually.ts'
import { changeLeftBy, watchCrashPoints } from './crash-point.ts'
import type { Facts } from './facts.ts'
import { fileSystemStays } from './invariants.ts'
import { OPERATIONS, type OperationName } from './all-operations.ts'
import type { Message, Order } from './order.ts'

/** A retry of the agent meets what a killed predecessor left running: an LVM that holds its lock, udev on a device. */
const CONVERGES_WITHIN_MS = 60_000
const PACE = { stepBytes: 4n * MIB, recordEveryBytes: 8n * MIB, share: 1 }

/** Written at once: what was told before a kill has been told. */
const tell = (message: Message): void => {
  writeSync(1, `${JSON.stringify(message)}\n`)
}

const order = JSON.parse(process.argv[2] ?? '') as Order
let underWay: OperationName | 'start' = 'start'

const die = (point: string, when: string): void => {
  const name = `${underWay}/${point}`
  if (!order.moments.includes(when) || order.spent.includes(name)) return
  if (order.only !== undefined && !order.only.includes(name)) return
  if (order.within !== undefined && !order.within.some((operation) => operation === underWay)) return
  if (!order.flushes && point.includes('.flush-device')) return
  tell({ killedAt: name })
  process.kill(process.pid, 'SIGKILL')
}

const runner = watchCrashPoints(usualRunner, changeLeftBy(order.spent), die)
const node = await startNode(runner, {
  erasePace: PACE,
  ...(order.watchesPools === true ? { onGroupChange: () => undefined } : {}),
})

/** As the agent: an error is a reason to try again, but for one that says that trying again is no use. */
const untilDone = async (name: OperationName, facts: Facts): Promise<Facts> => {
  const { disks, claim } = order
  let complaint = ''
  const attempt = async (): Promise<Facts | undefined> => {
    try {
      return await OPERATIONS[name]({ volumes: node.volumes, disks, claim, facts })
    } catch (error) {
      if (!(error instanceof LoamError) || error instanceof Refused) throw error
      complaint = messageOf(error)
      return undefined
    }
  }
  return await eventually(`I12: ${name} comes to an end`, attempt, CONVERGES_WITHIN_MS).catch(
    (cause: unknown) => {
      throw new Error(`${messageOf(cause)}; last: ${complaint}`, { cause })
    },
  )
}

let { facts } = order
for (const name of order.story.slice(order.done)) {
  underWay = name
  const after = await untilDone(name, facts)
  fileSystemStays(facts, after)
  facts = after
  tell({ acknowledged: facts })
}
await node.close()
tell({ end: true })
process.exit(0)
