import { readFile } from 'node:fs/promises'
import { childPids } from '../../support/child-processes.ts'

/** Sum of what bash's `times` prints: `1m2.345s` for user and system, of the shell and of its children. */
export const secondsOfTimes = (output: string): number =>
  [...output.matchAll(/(\d+)m([\d.]+)s/g)].reduce(
    (sum, [, minutes, seconds]) => sum + Number(minutes) * 60 + Number(seconds),
    0,
  )

/** USER_HZ, proc(5): the unit of times in /proc, 100 on every Linux that Loam runs on. */
const TICKS_A_SECOND = 100

/** CPU-seconds of a process and of the children that it waited for: utime, stime, cutime, cstime of /proc/PID/stat. */
export const cpuSecondsOf = (stat: string): number => {
  const afterName = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return afterName.slice(11, 15).reduce((sum, ticks) => sum + Number(ticks), 0) / TICKS_A_SECOND
}

/** Of this process, its children that have ended, and those that run still, such as a shell of LVM. */
export const ownCpuSeconds = async (): Promise<number> => {
  const pids = ['self', ...(await childPids())]
  const stats = await Promise.all(pids.map((pid) => readFile(`/proc/${pid}/stat`, 'utf8')))
  return stats.reduce((sum, stat) => sum + cpuSecondsOf(stat), 0)
}
