import { readdirSync, readFileSync } from 'node:fs'

/** The CPU of a VM, and how much of its time the VM will want, compared with others. */
interface Taken {
  readonly cpu: number
  readonly weight: number
}

/** A VM that works all the time wants as much of a CPU as three nodes of a cluster, which mostly wait. */
export const weightOf = (isBusy: boolean): number => (isBusy ? 3 : 1)

/** Among the arguments of a VM: the CPU that it runs on. */
export const cpuMarker = ({ cpu, weight }: Taken): string => `LOAM_CPU=${cpu}:${weight}`

const CPU_MARKER = /^LOAM_CPU=(\d+):(\d+)$/

/** Numbers of a list as in proc(5) `Cpus_allowed_list`: "0-2,5". */
export const parseCpuList = (text: string): readonly number[] =>
  text
    .trim()
    .split(',')
    .flatMap((range) => {
      const [first = NaN, last = first] = range.split('-').map(Number)
      return Array.from({ length: last - first + 1 }, (_, index) => first + index)
    })

/** The CPU of which least is taken; the first of several. */
export const leastTaken = (allowed: readonly number[], taken: readonly Taken[]): number => {
  const takenOf = (cpu: number): number =>
    taken.reduce((sum, each) => (each.cpu === cpu ? sum + each.weight : sum), 0)
  return [...allowed].sort((one, other) => takenOf(one) - takenOf(other) || one - other)[0] ?? 0
}

const read = (file: string): string => {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return '' // ended meanwhile
  }
}

/** Of the VMs that run now. The leader of a VM carries the marker, and so do the programs that become it. */
const takenNow = (): readonly Taken[] =>
  readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((pid) => read(`/proc/${pid}/cmdline`).split('\0'))
    .flatMap((argument) => {
      const [, cpu, weight] = CPU_MARKER.exec(argument) ?? []
      return cpu === undefined ? [] : [{ cpu: Number(cpu), weight: Number(weight) }]
    })

/**
 * The CPU for a VM that is to be started. User-mode Linux has one processor, and hands each system call of a guest from
 * one process to another and back: on two CPUs each of these waits until the other CPU has been woken.
 */
export const chooseCpu = (): number => {
  const [, allowed = '0'] = /^Cpus_allowed_list:\s*(\S+)/m.exec(read('/proc/self/status')) ?? []
  return leastTaken(parseCpuList(allowed), takenNow())
}
