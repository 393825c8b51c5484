import { readdirSync, readFileSync } from 'node:fs'
import { basename } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { LabError } from './errors.ts'
import { UML_PROGRAM } from './kernel.ts'

/**
 * The process table, not a pid file, says whether a VM runs: a file can outlive its process, and the number in it can
 * be another process's by then. Every VM has its state directory among its arguments.
 */
export const vmMarker = (directory: string): string => `LOAM_VM=${directory}`

interface ProcessStat {
  readonly state: string
  readonly group: number
}

const read = (file: string): string | undefined => {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return undefined // ended meanwhile
  }
}

/** proc(5): the program's name, in brackets, may hold anything, so fields are counted after the last bracket. */
const statOf = (pid: number): ProcessStat | undefined => {
  const text = read(`/proc/${pid}/stat`)
  if (text === undefined) return undefined
  const [state = '', , group = ''] = text.slice(text.lastIndexOf(')') + 2).split(' ')
  return { state, group: Number(group) }
}

const hasEnded = (stat: ProcessStat | undefined): boolean => stat === undefined || 'ZX'.includes(stat.state)

const allPids = (): number[] => readdirSync('/proc').map(Number).filter(Number.isInteger)

export const isRunning = (pid: number): boolean => !hasEnded(statOf(pid))

interface Member {
  readonly program: string
  readonly group: number
}

/** Running processes that carry the marker: of the VM, its helpers, and the relay for commands. */
const markedProcesses = (directory: string): readonly Member[] =>
  allPids().flatMap((pid) => {
    const [program = '', ...args] = read(`/proc/${pid}/cmdline`)?.split('\0') ?? []
    const stat = statOf(pid)
    return stat !== undefined && !hasEnded(stat) && args.includes(vmMarker(directory))
      ? [{ program, group: stat.group }]
      : []
  })

/** Every process group that belongs to the VM of this state directory, whole or what is left of it. */
export const findGroups = (directory: string): readonly number[] => [
  ...new Set(markedProcesses(directory).map(({ group }) => group)),
]

/**
 * Process id of the running VM of this state directory, which leads the group of its helpers. Helpers alone (the leader
 * was killed by hand, or ran out of memory) are no running VM.
 */
export const findVmProcess = (directory: string): number | undefined =>
  markedProcesses(directory).find(
    ({ program, group }) => basename(program) === UML_PROGRAM && isRunning(group),
  )?.group

const runningInGroup = (group: number): number[] =>
  allPids().filter((pid) => {
    const stat = statOf(pid)
    return stat?.group === group && !hasEnded(stat)
  })

/** Waits until `condition` holds; false when it did not within the time. The condition must be cheap. */
export const waitUntil = async (
  condition: () => boolean | Promise<boolean>,
  timeoutMs: number,
): Promise<boolean> => {
  const deadline = Date.now() + timeoutMs
  while (!(await condition())) {
    if (Date.now() > deadline) return false
    await sleep(20)
  }
  return true
}

/** Kills the group and waits until none of its processes runs any more. */
export const killGroup = async (group: number): Promise<void> => {
  try {
    process.kill(-group, 'SIGKILL')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
  }
  if (!(await waitUntil(() => runningInGroup(group).length === 0, 10_000)))
    throw new LabError(
      `process group ${group}`,
      `still has processes 10 s after SIGKILL: ${runningInGroup(group).join(', ')}`,
    )
}
