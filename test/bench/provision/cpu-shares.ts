import { readdir, readFile } from 'node:fs/promises'
import { cpuSecondsOf } from '../lvm/cpu-time.ts'
import type { Agent } from './agent.ts'

/** CPU-seconds since they started, by program. */
export type CpuShares = Readonly<Record<string, number>>

/** Names in /proc are cut after 15 characters (proc(5), comm). */
const PROGRAMS: Readonly<Record<string, string>> = {
  etcd: 'etcd',
  'kube-apiserver': 'apiserver',
  'kube-controller': 'controllers',
}

/** In the guest: what the agent, and what the control plane, have computed; with the agent are the commands that it runs. */
export const cpuShares = async (agent: Agent): Promise<CpuShares> => {
  const shares: Record<string, number> = {}
  for (const pid of (await readdir('/proc')).filter((name) => /^\d+$/.test(name))) {
    const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '')
    const name = /\((.*)\)/.exec(stat)?.[1] ?? ''
    const program = Number(pid) === agent.pid || name === 'lvm' ? 'agent' : PROGRAMS[name]
    if (program !== undefined) shares[program] = (shares[program] ?? 0) + cpuSecondsOf(stat)
  }
  return shares
}

/** Milliseconds for each of so many, from before to after. */
export const cpuMsEach = (before: CpuShares, after: CpuShares, count: number): CpuShares =>
  Object.fromEntries(
    Object.entries(after).map(([program, seconds]) => [
      `${program}CpuMs`,
      ((seconds - (before[program] ?? 0)) * 1000) / count,
    ]),
  )
