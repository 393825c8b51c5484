import type { Lab } from '../../lab/lab.ts'
import { waitFor } from '../../lab/runtime/wait.ts'
import { createPod, deletePod, waitForPod } from './pods.ts'

/** Runs in Node.js of the agent's image: one block after the other is written and synced, fifty times a second at most. */
const PROGRAM = `
const { openSync, writeSync, fsyncSync } = require('node:fs')
const file = openSync(process.argv[1], 'w')
const block = Buffer.alloc(4096, 1)
const clock = new Int32Array(new SharedArrayBuffer(4))
let last = performance.now(), told = last, longestMs = 0, writes = 0
for (let turn = 0; ; turn++) {
  Atomics.wait(clock, 0, 0, 20)
  writeSync(file, block, 0, block.length, turn % 256 * block.length)
  fsyncSync(file)
  const now = performance.now()
  longestMs = Math.max(longestMs, now - last)
  writes++
  last = now
  if (now - told < 500) continue
  writeSync(1, JSON.stringify({ endedAtMs: Date.now(), longestMs, writes }) + '\\n')
  told = now, longestMs = 0, writes = 0
}`

interface Stretch {
  /** Clock of the node. */
  readonly endedAtMs: number
  /** The longest time from one synced write to the next. */
  readonly longestMs: number
  readonly writes: number
}

/** A pod that writes and syncs all the time. */
export interface SyncingWriter {
  /** Its longest pause from one moment of the node's clock to another; waits until it has told of both. */
  readonly longestPauseMs: (fromMs: number, untilMs: number) => Promise<number>
  readonly remove: () => Promise<void>
}

export interface WriterOptions {
  readonly namespace: string
  readonly name: string
  readonly node: string
  /** The claim on whose volume it writes; on an emptyDir when absent. */
  readonly claim?: string
}

const agentImage = async (lab: Lab): Promise<string> => {
  const { spec } = await lab.api.get<{
    spec: { template: { spec: { containers: readonly { image: string }[] } } }
  }>('/apis/apps/v1/namespaces/loam-system/daemonsets/loam-agent')
  return spec.template.spec.containers[0]?.image ?? ''
}

/** Starts a writer, and waits until it writes. */
export const startWriter = async (lab: Lab, options: WriterOptions): Promise<SyncingWriter> => {
  const { claim, ...pod } = options
  const { namespace, name } = pod
  const where = claim === undefined ? { scratch: true } : { claims: [claim] }
  const command = ['/usr/bin/node', '-e', PROGRAM, `/data/${claim ?? 'scratch'}/written`]
  await createPod(lab, { ...pod, ...where, command, image: await agentImage(lab) })
  await waitForPod(lab, namespace, name)

  const stretches = async (): Promise<readonly Stretch[]> => {
    const { stdout } = await lab.kubectl(['logs', '--namespace', namespace, name])
    const lines = stdout.split('\n').filter((line) => line.endsWith('}'))
    return lines.map((line) => JSON.parse(line) as Stretch)
  }
  const until = (what: string, reached: (all: readonly Stretch[]) => boolean): Promise<readonly Stretch[]> =>
    waitFor({ what: `writer ${name} ${what}`, timeoutMs: 240_000 }, async () => {
      const all = await stretches()
      return reached(all) && all
    })
  await until('to write', (all) => all.length > 0)

  const longestPauseMs = async (fromMs: number, untilMs: number): Promise<number> => {
    const all = await until('to tell', (told) => (told.at(-1)?.endedAtMs ?? 0) > untilMs)
    const end = all.findIndex(({ endedAtMs }) => endedAtMs > untilMs)
    return Math.max(
      ...all
        .slice(0, end + 1)
        .filter(({ endedAtMs }) => endedAtMs > fromMs)
        .map(({ longestMs }) => longestMs),
    )
  }
  return { longestPauseMs, remove: () => deletePod(lab, namespace, name) }
}
