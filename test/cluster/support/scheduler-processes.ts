import { join } from 'node:path'
import { schedulerConfigFile } from '../../lab/control-plane/command-lines.ts'
import type { Lab } from '../../lab/lab.ts'
import { ensurePrograms } from '../../lab/programs/build.ts'
import { launch, recordedProcesses, stopProcess, type ProcessRecord } from '../../lab/runtime/processes.ts'
import { silentProgress } from '../../lab/runtime/progress.ts'

/** Starts a kube-scheduler in the lab's namespace; `name` names its record and its log. */
export const launchScheduler = async (
  { directory }: Lab,
  name: string,
  argv: readonly string[],
): Promise<ProcessRecord> => {
  const programs = await ensurePrograms(['kube-scheduler'], process.env, silentProgress)
  return launch({
    ...{ name, argv: [programs['kube-scheduler'], ...argv] },
    ...{ namespace: directory.namespace, records: directory.processes },
    logFile: join(directory.logs, `${name}.log`),
  })
}

const MAIN = 'kube-scheduler'

/** The lab's own kube-scheduler starts anew with another configuration file; with that of before when none is named. */
export const restartMainScheduler = async (lab: Lab, configFile?: string): Promise<void> => {
  const { directory } = lab
  for (const record of await recordedProcesses(directory.processes))
    if (record.name === MAIN) await stopProcess(directory.processes, record)
  await launchScheduler(lab, MAIN, [`--config=${configFile ?? schedulerConfigFile(directory)}`])
}
