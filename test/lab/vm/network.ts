import { createHash } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { execa } from 'execa'
import { LabError } from './errors.ts'

/** A private network: a namespace of the host with a bridge, and a tap on it for every VM. */
export interface Network {
  readonly namespace: string
  /** Address of the host's end, on the bridge, with prefix length: `10.99.0.1/24`. */
  readonly bridgeAddress: string
  /** Names of at most 15 characters, the kernel's limit for an interface. */
  readonly taps: readonly string[]
}

/** Namespace for the lab whose state is in `directory`: two labs never meet, one lab always finds its own. */
export const namespaceOf = (directory: string): string =>
  `loam-${createHash('sha256').update(directory).digest('hex').slice(0, 10)}`

const bridge = 'br0'

const END_TIMEOUT_MS = 30_000

/** Makes it; refuses a namespace that is there already, because its VMs may be running. */
export const createNetwork = async (network: Network): Promise<void> => {
  await execa('ip', ['netns', 'add', network.namespace]).catch((cause: unknown) => {
    throw new LabError(`network namespace ${network.namespace}`, 'could not be made', {
      advice: 'if it is left from a lab that crashed, stop that lab first',
      cause,
    })
  })
  const commands = [
    'link set lo up',
    `link add ${bridge} type bridge`,
    `addr add ${network.bridgeAddress} dev ${bridge}`,
    `link set ${bridge} up`,
    ...network.taps.flatMap((tap) => [
      `tuntap add ${tap} mode tap`,
      `link set ${tap} master ${bridge}`,
      `link set ${tap} up`,
    ]),
  ]
  await execa('ip', ['-n', network.namespace, '-batch', '-'], { input: commands.join('\n') })
}

/** The namespaces that exist on this machine. */
const listNamespaces = async (): Promise<readonly string[]> => {
  const { stdout } = await execa('ip', ['-json', 'netns', 'list'])
  return stdout.trim() === '' ? [] : (JSON.parse(stdout) as { name: string }[]).map(({ name }) => name)
}

/** Processes that run in the namespace. Everything in it belongs to its lab, so it may be ended by these ids. */
const processesIn = async (namespace: string): Promise<readonly number[]> => {
  const { stdout } = await execa('ip', ['netns', 'pids', namespace])
  return stdout.split('\n').filter(Boolean).map(Number)
}

const kill = (pid: number): void => {
  try {
    process.kill(pid, 'SIGKILL')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
  }
}

/**
 * Ends what runs in the namespace and waits until nothing does. Asked again and again: a process may have started
 * another between the list and its end, and one that was killed still shows up while the kernel takes its memory back.
 */
const endProcessesIn = async (namespace: string): Promise<void> => {
  const deadline = Date.now() + END_TIMEOUT_MS
  for (let pids = await processesIn(namespace); pids.length > 0; pids = await processesIn(namespace)) {
    if (Date.now() > deadline)
      throw new LabError(
        `network namespace ${namespace}`,
        `still has processes ${END_TIMEOUT_MS / 1000} s after SIGKILL: ${pids.join(', ')}`,
      )
    for (const pid of pids) kill(pid)
    await sleep(20)
  }
}

/**
 * Removes namespace, bridge and taps, and ends (SIGKILL) whatever still runs in it. Nothing to remove is success, so
 * it also cleans up after a crash.
 */
export const removeNetwork = async (namespace: string): Promise<void> => {
  if (!(await listNamespaces()).includes(namespace)) return
  await endProcessesIn(namespace)
  await execa('ip', ['netns', 'del', namespace])
}
