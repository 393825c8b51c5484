import { readFileSync } from 'node:fs'
import { execa } from 'execa'

/** What the kernel says about a process: /proc/PID/stat and /proc/PID/smaps_rollup, empty when it has ended. */
interface ProcessReport {
  readonly pid: string
  readonly stat: string
  readonly rollup: string
}

/** Fields 5 and 23 of stat, counted after the program's name in brackets, which may hold spaces (proc(5)). */
const groupAndSpace = ({ stat }: ProcessReport): { group: string; addressSpaceBytes: string } => {
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return { group: fields[2] ?? '', addressSpaceBytes: fields[20] ?? '' }
}

const proportionalSetBytes = ({ rollup }: ProcessReport): number =>
  Number(/^Pss:\s+(\d+) kB$/m.exec(rollup)?.[1] ?? 0) * 1024

/**
 * Sum of the proportional set sizes, so that pages which several processes map count once. The helper processes of a
 * virtual machine share the leader's whole address space and would count it again: they are known by having exactly
 * the leader's size.
 */
export const sumOfMemory = (reports: readonly ProcessReport[]): number => {
  const leaders = new Map(
    reports
      .filter((report) => groupAndSpace(report).group === report.pid)
      .map((report) => [report.pid, groupAndSpace(report).addressSpaceBytes]),
  )
  const sharesLeader = (report: ProcessReport): boolean => {
    const { group, addressSpaceBytes } = groupAndSpace(report)
    return group !== report.pid && leaders.get(group) === addressSpaceBytes
  }
  return reports
    .filter((report) => !sharesLeader(report))
    .reduce((sum, report) => sum + proportionalSetBytes(report), 0)
}

const readOrEmpty = (file: string): string => {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return ''
  }
}

/** Memory of all processes of a lab in bytes. */
export const memoryOfLab = async (namespace: string): Promise<number> => {
  const { stdout } = await execa('ip', ['netns', 'pids', namespace])
  const pids = stdout.split('\n').filter(Boolean)
  return sumOfMemory(
    pids.map((pid) => ({
      pid,
      stat: readOrEmpty(`/proc/${pid}/stat`),
      rollup: readOrEmpty(`/proc/${pid}/smaps_rollup`),
    })),
  )
}
