import { once } from 'node:events'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { Agent, request } from 'node:https'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { createInterface } from 'node:readline'
import { execa } from 'execa'
import { podWith } from '../unit/scheduler/reckoned.ts'
import type { Bench } from './bench.ts'
import { askingPod, nodeNames, type Size } from './extender/cluster.ts'
import { tell, type Figure } from './report.ts'
import { median, percentile } from './statistics.ts'

const ROOT = resolve(import.meta.dirname, '../..')
const MIB = 2 ** 20
/** As daemonset/scheduler/deployment.yaml has it. */
const LIMIT_MIB = 256

interface Served {
  readonly port: number
  readonly rssBytes: () => Promise<number>
  readonly stop: () => void
}

const serve = async (kind: 'echo' | 'extender', certificates: string, size: Size): Promise<Served> => {
  const script = join(import.meta.dirname, 'extender/serve.ts')
  // as the Deployment starts it
  const flags = ['--max-semi-space-size=16', '--max-old-space-size=128']
  const child = execa(process.execPath, [...flags, script, kind, certificates, JSON.stringify(size)], {
    ...{ stdin: 'pipe', stdout: 'pipe', stderr: 'inherit', buffer: false, reject: false },
  })
  const lines = createInterface(child.stdout)
  const [first] = (await once(lines, 'line')) as [string]
  return {
    port: Number(first),
    rssBytes: async () => {
      child.stdin.write('\n')
      const [line] = (await once(lines, 'line')) as [string]
      return Number(line)
    },
    stop: () => void child.kill(),
  }
}

/** One request on an open connection. Gives how long it took, in milliseconds. */
const ask = (agent: Agent, port: number, verb: string, body: string): Promise<number> => {
  const startedMs = performance.now()
  return new Promise((resolve, reject) => {
    const call = request(
      { agent, port, host: '127.0.0.1', servername: 'localhost', method: 'POST', path: `/${verb}` },
      (response) => {
        response.resume().on('end', () => {
          if (response.statusCode === 200) resolve(performance.now() - startedMs)
          else reject(new Error(`${verb}: status ${response.statusCode}`))
        })
      },
    )
    call.on('error', reject).end(body)
  })
}

interface Case {
  readonly name: string
  readonly verb: 'filter' | 'prioritize'
  readonly body: string
  readonly what: string
}

/**
 * What kube-scheduler waits for when it asks about a pod: the real server with mutual TLS over local copies of a large cluster in
 * which something changes, over a handler that gives the same body back.
 */
export const bench: Bench = async ({ progress, scaled }) => {
  const size: Size = { nodes: 5000, claims: 10_000, podClaims: 20 }
  const certificates = await mkdtemp(join(tmpdir(), 'bench-extender-'))
  await execa(join(ROOT, 'scripts/certificates'), [certificates])
  const [echo, extender] = [
    await serve('echo', certificates, size),
    await serve('extender', certificates, size),
  ]
  const client = (name: string): Promise<Buffer> => readFile(join(certificates, 'client', name))
  const agent = new Agent({
    ...{ keepAlive: true, cert: await client('tls.crt'), key: await client('tls.key') },
    ca: await client('ca.crt'),
  })
  const names = nodeNames(size.nodes)
  const bodyOf = (pod: object, count: number): string =>
    JSON.stringify({ Pod: pod, Nodes: null, NodeNames: names.slice(0, count) })
  const cases: readonly Case[] = [
    { name: 'filter', verb: 'filter', body: bodyOf(askingPod(size), 5000), what: '20 claims, 5,000 nodes' },
    { name: 'filter-500', verb: 'filter', body: bodyOf(askingPod(size), 500), what: '20 claims, 500 nodes' },
    {
      name: 'prioritize',
      verb: 'prioritize',
      body: bodyOf(askingPod(size), 5000),
      what: '20 claims, 5,000 nodes',
    },
    { name: 'foreign-pod', verb: 'filter', body: bodyOf(podWith('web'), 500), what: 'no claim, 500 nodes' },
  ]
  const rounds = scaled(500)

  const measure = async ({ name, verb, body, what }: Case): Promise<Figure> => {
    progress(`${name}: ${what}`)
    const [floorMs, askedMs]: [number[], number[]] = [[], []]
    for (let round = -20; round < rounds; round += 1) {
      const floor = await ask(agent, echo.port, verb, body)
      const asked = await ask(agent, extender.port, verb, body)
      // the first ones warm both up
      if (round < 0) continue
      floorMs.push(floor)
      askedMs.push(asked)
    }
    const [p99Ms, floorP99Ms] = [percentile(askedMs, 0.99), percentile(floorMs, 0.99)]
    return {
      ...{ name: `extender/${name}`, ratio: p99Ms / floorP99Ms, goal: { atMost: 2.5 } },
      raw: { p99Ms, floorP99Ms, medianMs: median(askedMs), floorMedianMs: median(floorMs) },
      method: `p99 of ${rounds} requests (${what}) on one connection with mutual TLS, in turns with a handler that gives the same body back; ${size.claims} claims in the cluster, a report changes every 20 ms`,
    }
  }

  try {
    const figures: Figure[] = []
    for (const each of cases) figures.push(...tell(progress, [await measure(each)]))
    const [rssBytes, floorBytes] = [await extender.rssBytes(), await echo.rssBytes()]
    const memory: Figure = {
      ...{ name: 'extender/memory', ratio: rssBytes / (LIMIT_MIB * MIB), goal: { atMost: 1 } },
      raw: { rssMiB: rssBytes / MIB, echoMiB: floorBytes / MIB },
      method: 'resident memory after all of this, over the limit of the Deployment',
    }
    return [...figures, ...tell(progress, [memory])]
  } finally {
    agent.destroy()
    echo.stop()
    extender.stop()
    await rm(certificates, { recursive: true })
  }
}
