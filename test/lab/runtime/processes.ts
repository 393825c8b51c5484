import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { startDaemon } from '../vm/daemon.ts'
import { LabError } from '../vm/errors.ts'

/**
 * A process of the lab, told apart from a later one with the same pid by its start time: field 22 of
 * /proc/PID/stat, in clock ticks since boot (proc(5)).
 */
export interface ProcessRecord {
  readonly name: string
  readonly pid: number
  readonly startTime: string
}

export interface Launch {
  readonly name: string
  readonly argv: readonly string[]
  readonly namespace: string
  readonly logFile: string
  readonly records: string
}

const startTimeOf = async (pid: number): Promise<string | undefined> => {
  const text = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => undefined)
  // The second field is the command in parentheses and may hold spaces; the rest has none.
  const fields = text?.slice(text.lastIndexOf(')') + 2).split(' ')
  const zombie = fields?.[0] === 'Z'
  return zombie ? undefined : fields?.[19]
}

export const isAlive = async (record: ProcessRecord): Promise<boolean> =>
  (await startTimeOf(record.pid)) === record.startTime

/** Starts a program that outlives this process, inside the lab's namespace, both streams to its log file. */
export const launch = async ({ name, argv, namespace, logFile, records }: Launch): Promise<ProcessRecord> => {
  await mkdir(records, { recursive: true })
  const pid = await startDaemon('ip', ['netns', 'exec', namespace, ...argv], { cwd: records, log: logFile })
  const startTime = await startTimeOf(pid)
  if (startTime === undefined) throw new LabError(name, 'ended at once', { advice: `see ${logFile}` })
  const record = { name, pid, startTime }
  const file = join(records, `${name}.json`)
  await writeFile(`${file}.new`, JSON.stringify(record))
  await rename(`${file}.new`, file)
  return record
}

/** What was launched, whether or not it still runs. */
export const recordedProcesses = async (records: string): Promise<ProcessRecord[]> => {
  const files = await readdir(records).catch(() => [])
  const read = async (file: string) =>
    JSON.parse(await readFile(join(records, file), 'utf8')) as ProcessRecord
  return Promise.all(files.filter((file) => file.endsWith('.json')).map(read))
}

/** Ends one recorded process, with SIGKILL when SIGTERM did not do within 5 s, and forgets it. */
export const stopProcess = async (records: string, record: ProcessRecord): Promise<void> => {
  for (const signal of ['SIGTERM', 'SIGKILL'] as const) {
    if (await isAlive(record)) process.kill(record.pid, signal)
    for (let waited = 0; waited < 5000 && (await isAlive(record)); waited += 50) await sleep(50)
  }
  if (await isAlive(record)) throw new LabError(record.name, `process ${record.pid} does not end`)
  await rm(join(records, `${record.name}.json`), { force: true })
}

/** Record of the process that asks. */
export const ownRecord = async (): Promise<ProcessRecord> => ({
  name: 'lab',
  pid: process.pid,
  startTime: (await startTimeOf(process.pid)) ?? '',
})
