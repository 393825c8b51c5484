import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Lab } from '../../lab/lab.ts'
import { schedulerConfig } from '../../lab/control-plane/command-lines.ts'
import { stopProcess } from '../../lab/runtime/processes.ts'
import { launchScheduler } from './scheduler-processes.ts'

/** Pods with this schedulerName are scheduled by it. */
export const SECOND_SCHEDULER = 'loam'

export interface SecondScheduler {
  /** Ends it and starts it anew, as a crash does. */
  readonly restart: () => Promise<void>
  readonly stop: () => Promise<void>
}

/**
 * A real kube-scheduler beside the lab's own, which other tests go on to use. `extenders` are those of
 * KubeSchedulerConfiguration.
 */
export const startSecondScheduler = async (
  lab: Lab,
  extenders: readonly object[],
): Promise<SecondScheduler> => {
  const { directory } = lab
  const name = 'second-kube-scheduler'
  const file = join(directory.controlPlane, `${name}.json`)
  const profiles = [{ schedulerName: SECOND_SCHEDULER }]
  await writeFile(file, JSON.stringify({ ...schedulerConfig(directory), profiles, extenders }))
  // the port is the first one's
  const start = () => launchScheduler(lab, name, [`--config=${file}`, '--secure-port=0'])
  let record = await start()
  const stop = () => stopProcess(directory.processes, record)
  return {
    stop,
    restart: async () => {
      await stop()
      record = await start()
    },
  }
}
