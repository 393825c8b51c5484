import { EnvironmentReader, type Environment } from '../process/environment.ts'
import { LOG_LEVELS, type LogLevel } from '../process/log.ts'

export interface ExtenderConfig {
  readonly host: string
  readonly port: number
  readonly filterVerb: string
  readonly prioritizeVerb: string
  /** Directory with tls.crt, tls.key and ca.crt; undefined: without TLS, and then on a loopback address only. */
  readonly tlsDirectory: string | undefined
}

const readExtender = (read: EnvironmentReader, environment: Environment): ExtenderConfig | undefined => {
  if (environment.LOAM_EXTENDER_PORT === undefined) return undefined
  return {
    host: read.text('LOAM_EXTENDER_HOST', '127.0.0.1'),
    port: read.whole('LOAM_EXTENDER_PORT', 0, 65535),
    filterVerb: read.word('LOAM_EXTENDER_FILTER_VERB', 'filter'),
    prioritizeVerb: read.word('LOAM_EXTENDER_PRIORITIZE_VERB', 'prioritize'),
    tlsDirectory:
      environment.LOAM_EXTENDER_TLS_DIRECTORY === undefined
        ? undefined
        : read.path('LOAM_EXTENDER_TLS_DIRECTORY', ''),
  }
}

/** What the scheduler process is told by its environment. daemonset/scheduler/deployment.yaml sets it. */
export interface Config {
  /** Namespace of the Lease by which the replicas agree on one of them. */
  readonly namespace: string
  readonly podName: string
  readonly podUid: string
  readonly healthPort: number
  /** Where kube-scheduler asks about pods; undefined when it does not. */
  readonly extender: ExtenderConfig | undefined
  readonly logLevel: LogLevel
}

/** Reads the environment. @throws InvalidConfig with every fault at once. */
export const readConfig = (environment: Environment): Config => {
  const read = new EnvironmentReader(environment)
  const config: Config = {
    namespace: read.text('POD_NAMESPACE'),
    podName: read.text('POD_NAME'),
    podUid: read.text('POD_UID'),
    healthPort: read.whole('LOAM_HEALTH_PORT', 9809, 65535),
    extender: readExtender(read, environment),
    logLevel: read.oneOf('LOAM_LOG_LEVEL', LOG_LEVELS, 'info'),
  }
  read.check('scheduler')
  return config
}
