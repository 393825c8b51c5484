import type { Lab } from '../../lab/lab.ts'
import { waitFor } from '../../lab/runtime/wait.ts'

/** Process id of the agent in its node's virtual machine. */
const agentPid = async (lab: Lab, node: string): Promise<number | undefined> => {
  const vm = await lab.vm(node)
  const { stdout } = await vm.exec(['pgrep', '-f', '^[^ ]*node .*/agent\\.cjs$'])
  const [pid] = stdout.split('\n')
  return pid === undefined || pid === '' ? undefined : Number(pid)
}

/** Sends a signal to the agent of a node: `KILL` is a crash, `STOP` and `CONT` hold it between two moments. */
export const signalAgent = async (
  lab: Lab,
  node: string,
  signal: 'KILL' | 'TERM' | 'STOP' | 'CONT',
): Promise<number> => {
  const pid = await agentPid(lab, node)
  if (pid === undefined) throw new Error(`node ${node}: no process of the agent runs`)
  await (await lab.vm(node)).run(['kill', `-${signal}`, String(pid)])
  return pid
}

/**
 * Holds the agent of a node, and its kubelet, which would replace it, at the moment when it makes the logical volume of a
 * claim: LVM goes on, and the agent hears nothing of it before `resume`.
 */
export const holdAtCreation = async (lab: Lab, node: string, volume: string) => {
  const vm = await lab.vm(node)
  const pid = String((await agentPid(lab, node)) ?? '')
  // the brackets keep the search from finding itself
  const script =
    'until pgrep -f "[l]vcreate .*$2" >/dev/null; do :; done; kill -STOP "$1" && pkill -STOP -x kubelet'
  return {
    /** Settles when they are held. */
    held: vm.run(['timeout', '300', 'bash', '-c', script, 'hold', pid, volume]),
    resume: () => vm.run(['bash', '-c', 'kill -CONT "$1"; pkill -CONT -x kubelet', 'resume', pid]),
  }
}

/** Another process of the agent than `before` runs on the node. */
export const waitForNewAgent = (lab: Lab, node: string, before: number): Promise<number> =>
  waitFor({ what: `a new agent process on ${node}`, timeoutMs: 240_000 }, async () => {
    const pid = await agentPid(lab, node)
    return pid !== undefined && pid !== before && pid
  })

export interface ProcessMemory {
  /** All that it maps, shared pages counted by their share. */
  readonly pssBytes: number
  /** What no file backs and only this process has: the part of its pod's memory that cannot be given back. */
  readonly anonymousBytes: number
}

/** Memory of the agent's process (proc(5), `smaps_rollup`). */
export const agentMemory = async (lab: Lab, node: string): Promise<ProcessMemory> => {
  const pid = await agentPid(lab, node)
  const rollup = await (await lab.vm(node)).run(['cat', `/proc/${pid ?? 'none'}/smaps_rollup`])
  const read = (name: string): number =>
    Number(new RegExp(`^${name}:\\s+(\\d+) kB$`, 'm').exec(rollup)?.[1]) * 1024
  return { pssBytes: read('Pss'), anonymousBytes: read('Pss_Anon') }
}
