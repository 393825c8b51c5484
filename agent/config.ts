import { MAX_NODE_NAME_LENGTH } from '../core/naming.ts'
import { EnvironmentReader, type Environment } from '../process/environment.ts'
import { LOG_LEVELS, type LogLevel } from '../process/log.ts'

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
  /** Whether callers of the CSI socket may make and delete volumes, as external-provisioner does. */
  readonly csiCreateDelete: 'on' | 'off'
  readonly healthPort: number
  readonly logLevel: LogLevel
  /** node-cron expression of the regular report. */
  readonly reportSchedule: string
  /** node-cron expression of the full check: all disks judged again, all volumes read again. */
  readonly checkSchedule: string
  /** How long a volume that nobody asks for any more is kept before it is collected. */
  readonly orphanGraceMs: number
  /** Whether such volumes are collected, or only reported for a person to decide. */
  readonly orphanCollection: 'collect' | 'report'
  /** Part of the time in which erasing deleted volumes keeps the disks busy, in percent. */
  readonly eraseSharePercent: number
}

/** Reads the environment. @throws InvalidConfig with every fault at once. */
export const readConfig = (environment: Environment): Config => {
  const read = new EnvironmentReader(environment)
  const config: Config = {
    nodeName: read.text('NODE_NAME'),
    namespace: read.text('POD_NAMESPACE'),
    podName: read.text('POD_NAME'),
    podUid: read.text('POD_UID'),
    kubeletDirectory: read.path('LOAM_KUBELET_DIRECTORY', '/var/lib/kubelet'),
    lvm: read.oneOf('LOAM_LVM', ['host', 'image'], 'host'),
    systemDirectory: read.path('LOAM_SYSTEM_DIRECTORY', '/run/loam/lvm'),
    metadataDirectory: read.path('LOAM_METADATA_DIRECTORY', '/var/lib/loam/metadata'),
    csiCreateDelete: read.oneOf('LOAM_CSI_CREATE_DELETE', ['off', 'on'], 'off'),
    healthPort: read.whole('LOAM_HEALTH_PORT', 9808, 65535),
    logLevel: read.oneOf('LOAM_LOG_LEVEL', LOG_LEVELS, 'info'),
    reportSchedule: read.times('LOAM_REPORT_SCHEDULE', '*/5 * * * *'),
    checkSchedule: read.times('LOAM_CHECK_SCHEDULE', '*/10 * * * *'),
    orphanGraceMs: read.whole('LOAM_ORPHAN_GRACE_SECONDS', 600, 86_400) * 1000,
    orphanCollection: read.oneOf('LOAM_ORPHAN_COLLECTION', ['collect', 'report'], 'collect'),
    eraseSharePercent: read.whole('LOAM_ERASE_SHARE_PERCENT', 50, 100, 1),
  }
  const { length } = config.nodeName
  if (length > MAX_NODE_NAME_LENGTH)
    read.blame(
      `NODE_NAME has ${length} characters, and ${MAX_NODE_NAME_LENGTH} are allowed: it is the value of a topology label`,
    )
  read.check('agent')
  return config
}
