import { execa } from 'execa'
import { settle, NODE_PROGRAM, nodeFlags, startAgent, type Agent } from './agent.ts'
import type { Claims } from './claims.ts'
import type { Cluster } from './cluster.ts'
import type { Figure } from '../report.ts'
import { median } from '../statistics.ts'
import { deviceFilter } from '../../../lvm/lvm-config.ts'
import { reportCommand } from '../../../lvm/report.ts'
import { timeOf } from './writes.ts'

/** For what the process before left to do: reports, the own-node check. */
const QUIET_SECONDS = 15

/** Node.js starts, lists the PersistentVolumes, and runs one report of LVM: no agent can do with less. */
const FLOOR = `
const { execFileSync } = require('node:child_process')
const { readFileSync } = require('node:fs')
const [url, directory, filter, ...options] = process.argv.slice(1)
const read = (name) => readFileSync(directory + '/' + name)
const tls = { ca: read('ca.crt'), cert: read('admin.crt'), key: read('admin.key') }
require('node:https').get(url, tls, (response) => {
  let text = ''
  response.on('data', (part) => { text += part })
  response.on('end', () => {
    const { items } = JSON.parse(text)
    const env = { LVM_SYSTEM_DIR: '/run/loam/lvm', LC_ALL: 'C', PATH: '/usr/sbin:/usr/bin:/sbin:/bin' }
    const report = execFileSync('lvm', [options[0], '--config', filter, ...options.slice(1)], { env, stdio: ['ignore', 'pipe', 'ignore', 'pipe'], maxBuffer: 1e8 })
    console.log(items.length, report.length)
  })
})
`

export interface Restart {
  readonly volumes: number
  readonly servedMs: readonly number[]
  readonly floorMs: readonly number[]
}

const floor = async ({ server }: Cluster, disk: string): Promise<number> => {
  const url = `https://127.0.0.1:${server.port}/api/v1/persistentvolumes?labelSelector=topology.loam.storage/node`
  const command = [reportCommand.name, ...reportCommand.options]
  const start = performance.now()
  await execa(
    NODE_PROGRAM,
    [...nodeFlags(), '--eval', FLOOR, '--', url, server.directory, deviceFilter([disk]), ...command],
    { stdin: 'ignore' },
  )
  return performance.now() - start
}

/** In the guest: the agent is killed and started again, and a claim comes meanwhile; and the floor, in turns. */
export const measureRestart = async (
  cluster: Cluster,
  claims: Claims,
  running: Agent,
  { disk, rounds, volumes }: { disk: string; rounds: number; volumes: number },
): Promise<{ readonly restart: Restart; readonly agent: Agent }> => {
  let agent = running
  const servedMs: number[] = []
  const floorMs: number[] = []
  for (let round = 0; round < rounds; round++) {
    const names = await claims.make(1)
    await settle(QUIET_SECONDS)
    floorMs.push(await floor(cluster, disk))
    const killedMs = Date.now()
    await agent.kill()
    const starting = startAgent(cluster)
    await claims.bind(names)
    agent = await starting
    const [volume] = claims.volumesOf(names)
    const events = await cluster.writes()
    const made = events.find(
      ({ verb, objectRef }) =>
        verb === 'create' && objectRef?.resource === 'persistentvolumes' && objectRef.name === volume,
    )
    servedMs.push(timeOf(made?.stageTimestamp ?? '') - killedMs)
  }
  return { restart: { volumes, servedMs, floorMs }, agent }
}

export const restartFigures = ({ volumes, servedMs, floorMs }: Restart): readonly Figure[] => [
  {
    name: 'provision/restart',
    ratio: median(servedMs) / median(floorMs),
    goal: { atMost: 1.5 },
    raw: { servedMs: median(servedMs), floorMs: median(floorMs), volumes, rounds: servedMs.length },
    method: `median of ${servedMs.length}: from kill -9 until the PersistentVolume of a claim that came meanwhile is acknowledged, with ${volumes} volumes, the process started again at once; over a start of the same Node.js that lists the PersistentVolumes and runs one LVM report, in turns; TopoLVM 12.5 to 14.6 s with 30 volumes, 11.1 s undisturbed`,
  },
]
