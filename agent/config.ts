import { validate } from 'node-cron'
import { LoamError } from '../core/errors.ts'
import { MAX_NODE_NAME_LENGTH } from '../core/naming.ts'

/** What the agent is told by its environment. daemonset/ sets it; docs/install.md explains each. */
export interface Config {
  readonly nodeName: string
  /** Namespace for CSIStorageCapacity objects and events about cluster-scoped objects. */
  readonly namespace: string
  readonly podName: string
  readonly podUid: string
  readonly kubeletDirectory: string
  /** Whose LVM runs: the host's, through nsenter, or the image's. */
  readonly lvm: 'host' | 'image'
  /** Private LVM_SYSTEM_DIR, the same path on the host and in the container. */
  readonly systemDirectory: string
  /** Copies of the groups' metadata; a directory of the host that a reboot does not empty. */
  readonly metadataDirectory: string
  readonly healthPort: number
  readonly logLevel: 'error' | 'warn' | 'info' | 'debug'
  /** node-cron expression of the regular report. */
  readonly reportSchedule: string
  /** node-cron expression of the full check: all disks judged again, all volumes read again. */
  readonly checkSchedule: string
  /** How long a volume that nobody asks for any more is kept before it is collected. */
  readonly orphanGraceMs: number
  /** Part of the time in which erasing deleted volumes keeps the disks busy, in percent. */
  readonly eraseSharePercent: number
  /** Only outside a cluster. */
  readonly kubeconfigPath: string | undefined
}

export class InvalidConfig extends LoamError {
  override readonly reason = 'InvalidConfig'
}

export type Environment = Readonly<Record<string, string | undefined>>

/** Reads the environment. @throws InvalidConfig with every fault at once. */
export const readConfig = (environment: Environment): Config => {
  const faults: string[] = []

  const text = (name: string, fallback?: string): string => {
    const value = environment[name] ?? fallback
    if (value === undefined || value === '') faults.push(`${name} is not set`)
    return value ?? ''
  }
  const oneOf = <T extends string>(name: string, allowed: readonly T[], fallback: T): T => {
    const value = environment[name] ?? fallback
    const found = allowed.find((candidate) => candidate === value)
    if (found === undefined) faults.push(`${name} is "${value}": allowed are ${allowed.join(', ')}`)
    return found ?? fallback
  }
  const whole = (name: string, fallback: number, maximum: number, minimum = 0): number => {
    const value = environment[name] ?? String(fallback)
    const number = /^\d{1,9}$/.test(value) ? Number(value) : Number.NaN
    if (!(number >= minimum && number <= maximum))
      faults.push(`${name} is "${value}": allowed are whole numbers from ${minimum} to ${maximum}`)
    return number
  }
  const times = (name: string, fallback: string): string => {
    const value = text(name, fallback)
    if (!validate(value)) faults.push(`${name} is "${value}": a cron expression is wanted`)
    return value
  }
  const path = (name: string, fallback: string): string => {
    const value = text(name, fallback)
    if (!/^\/[A-Za-z0-9_./-]*[A-Za-z0-9_-]$/.test(value))
      faults.push(`${name} is "${value}": an absolute path is wanted`)
    return value
  }

  const config: Config = {
    nodeName: text('NODE_NAME'),
    namespace: text('POD_NAMESPACE'),
    podName: text('POD_NAME'),
    podUid: text('POD_UID'),
    kubeletDirectory: path('LOAM_KUBELET_DIRECTORY', '/var/lib/kubelet'),
    lvm: oneOf('LOAM_LVM', ['host', 'image'], 'host'),
    systemDirectory: path('LOAM_SYSTEM_DIRECTORY', '/run/loam/lvm'),
    metadataDirectory: path('LOAM_METADATA_DIRECTORY', '/var/lib/loam/metadata'),
    healthPort: whole('LOAM_HEALTH_PORT', 9808, 65535),
    logLevel: oneOf('LOAM_LOG_LEVEL', ['error', 'warn', 'info', 'debug'], 'info'),
    reportSchedule: times('LOAM_REPORT_SCHEDULE', '*/5 * * * *'),
    checkSchedule: times('LOAM_CHECK_SCHEDULE', '*/10 * * * *'),
    orphanGraceMs: whole('LOAM_ORPHAN_GRACE_SECONDS', 600, 86_400) * 1000,
    eraseSharePercent: whole('LOAM_ERASE_SHARE_PERCENT', 50, 100, 1),
    kubeconfigPath: environment.KUBECONFIG,
  }
  if (config.nodeName.length > MAX_NODE_NAME_LENGTH) {
    faults.push(
      `NODE_NAME has ${config.nodeName.length} characters, and ${MAX_NODE_NAME_LENGTH} are allowed: it is the value of a topology label`,
    )
  }
  if (faults.length > 0) throw new InvalidConfig('environment of the agent', faults.join('; '))
  return config
}
