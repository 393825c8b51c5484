import { copyFile, mkdir, open, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { execa } from 'execa'
import { RUN_CONFIG } from '../../../scripts/oci/run-config.ts'
import { readManifests } from '../../support/manifests.ts'
import { cpuSecondsOf } from '../lvm/cpu-time.ts'
import { NODE_NAME, type Cluster } from './cluster.ts'

const DIRECTORY = '/run/bench'
/** Nobody else runs this copy, so that all of its pages are counted as the agent's. */
export const NODE_PROGRAM = join(DIRECTORY, 'node')
const AGENT_LOG = join(DIRECTORY, 'agent.log')
const PROGRAM = join(import.meta.dirname, '../../../dist/agent.cjs')

/** The flags with which the image runs Node.js. */
export const nodeFlags = (): readonly string[] => RUN_CONFIG.Entrypoint.slice(1, -1)

const entry = (line: string): [string, string] => {
  const at = line.indexOf('=')
  return [line.slice(0, at), line.slice(at + 1)]
}

interface EnvVar {
  readonly name: string
  readonly value?: string
  readonly valueFrom?: { readonly fieldRef: { readonly fieldPath: string } }
}

/** What the container gets: of the image, of the DaemonSet, of kubelet. */
const environmentOf = async ({ pod, server }: Cluster): Promise<Record<string, string>> => {
  const manifests = await readManifests('daemonset/agent.yaml')
  const { template } = manifests[0]?.spec as {
    template: { spec: { containers: { env: EnvVar[] }[] } }
  }
  const fields: Readonly<Record<string, string | undefined>> = {
    'spec.nodeName': NODE_NAME,
    'metadata.name': pod.metadata.name,
    'metadata.uid': pod.metadata.uid,
    'metadata.namespace': pod.metadata.namespace,
  }
  const given = template.spec.containers[0]?.env ?? []
  return {
    ...Object.fromEntries((RUN_CONFIG.Env ?? []).map(entry)),
    ...Object.fromEntries(
      given.map(({ name, value, valueFrom }) => [
        name,
        value ?? fields[valueFrom?.fieldRef.fieldPath ?? ''] ?? '',
      ]),
    ),
    KUBERNETES_SERVICE_HOST: '127.0.0.1',
    KUBERNETES_SERVICE_PORT: String(server.port),
    PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
  }
}

/** The bundle of the image as a process of this machine, as kubelet's containers are. */
export interface Agent {
  readonly pid: number
  /** SIGKILL, and waits for the end. */
  kill(): Promise<void>
}

/** What kubelet and the image have ready before the container starts. */
export const prepareAgent = async (): Promise<void> => {
  await mkdir(DIRECTORY, { recursive: true })
  await copyFile(process.execPath, NODE_PROGRAM)
  for (const folder of ['plugins', 'plugins_registry', 'pods'])
    await mkdir(join('/var/lib/kubelet', folder), { recursive: true })
}

export const startAgent = async (cluster: Cluster): Promise<Agent> => {
  const log = await open(AGENT_LOG, 'a')
  const child = execa(NODE_PROGRAM, [...nodeFlags(), PROGRAM], {
    env: await environmentOf(cluster),
    extendEnv: false,
    // execa passes any descriptor on, its types know only the first few: no line of the log goes through this process
    stdio: ['ignore', log.fd as 1, log.fd as 1],
    buffer: false,
    reject: false,
  })
  const { pid } = child
  await log.close()
  if (pid === undefined) throw new Error('the agent did not start')
  const kill = async (): Promise<void> => {
    child.kill('SIGKILL')
    const { signal } = await child
    if (signal !== 'SIGKILL') throw new Error(`the agent had ended by itself; see ${AGENT_LOG}`)
  }
  return { pid, kill }
}

/** Value of a line `NAME: 12 kB` of smaps_rollup (proc(5)), in bytes. */
export const rollupBytes = (rollup: string, name: string): number =>
  Number(new RegExp(`^${name}:\\s+(\\d+) kB$`, 'm').exec(rollup)?.[1]) * 1024

export interface Memory {
  readonly pssBytes: number
  readonly anonymousBytes: number
}

/** All that the agent maps. It is alone with its program, so nothing is shared but the C library. */
export const memoryOf = async ({ pid }: Agent): Promise<Memory> => {
  const rollup = await readFile(`/proc/${pid}/smaps_rollup`, 'utf8')
  return { pssBytes: rollupBytes(rollup, 'Pss'), anonymousBytes: rollupBytes(rollup, 'Pss_Anon') }
}

/** Of the agent and of the commands that it has waited for. */
export const cpuOf = async ({ pid }: Agent): Promise<number> =>
  cpuSecondsOf(await readFile(`/proc/${pid}/stat`, 'utf8'))

/** For something to settle that says nothing when it has: reports, garbage, timers. */
export const settle = (seconds: number): Promise<void> => sleep(seconds * 1000)
