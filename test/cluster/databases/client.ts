import { execa } from 'execa'
import type { Lab } from '../../lab/lab.ts'
import type { PodObject } from '../../lab/loam/agent-pods.ts'
import { waitFor } from '../../lab/runtime/wait.ts'

/** A pod that asks the database over the network, and where the database is. */
export interface Client {
  readonly lab: Lab
  readonly namespace: string
  readonly pod: string
  readonly server: string
  readonly password: string
}

/** A program that runs in the client's pod. */
export interface RunningProgram {
  /** Whole lines of standard output and standard error so far. */
  readonly lines: () => readonly string[]
  readonly isRunning: () => boolean
  /** Its exit status, once it has ended. */
  readonly ended: Promise<number | undefined>
}

/** A peer that says nothing for some seconds is gone: after a power cut nobody closes the connection. */
const KEEPALIVES = 'keepalives_idle=5&keepalives_interval=2&keepalives_count=5&tcp_user_timeout=15000'

/** Where the database is now: its pod has another address after each start. */
const conninfo = async ({ lab, namespace, server, password }: Client): Promise<string> => {
  const path = `/api/v1/namespaces/${namespace}/pods/${server}`
  const podIP = await waitFor({ what: `pod ${server} to have an address`, timeoutMs: 60_000 }, async () => {
    return (await lab.api.find<PodObject>(path))?.status.podIP
  })
  return `postgresql://postgres:${password}@${podIP}/postgres?connect_timeout=10&${KEEPALIVES}`
}

const execIn = ({ namespace, pod }: Client, command: readonly string[]): readonly string[] => [
  ...['exec', '--namespace', namespace, pod, '--'],
  ...command,
]

/** Starts a shell script, in which `$0` is how to connect. */
const start = async (client: Client, script: string): Promise<RunningProgram> => {
  const [program, ...argv] = await client.lab.kubectlCommand(
    execIn(client, ['sh', '-c', script, await conninfo(client)]),
  )
  const subprocess = execa(program, argv, { reject: false, all: true, buffer: false, stdin: 'ignore' })
  let text = ''
  let running = true
  subprocess.all.setEncoding('utf8').on('data', (chunk: string) => (text += chunk))
  const ended = subprocess.then(({ exitCode }) => {
    running = false
    return exitCode
  })
  return { lines: () => text.split('\n').slice(0, -1), isRunning: () => running, ended }
}

/** pgbench without an end, which says every five seconds how it goes. */
export const startPgbench = (client: Client): Promise<RunningProgram> =>
  start(client, 'exec pgbench --client=4 --time=86400 --progress=5 --no-vacuum "$0"')

/**
 * Inserts 1, 2, 3… into a table, a transaction each. A number is printed when the server has acknowledged its
 * commit, so every number among the lines is one that must never be lost.
 */
export const startRecorder = (client: Client, table: string, settings = ''): Promise<RunningProgram> =>
  start(
    client,
    `{ echo "${settings}"; i=0; while :; do i=$((i+1)); echo "INSERT INTO ${table} VALUES ($i) RETURNING id;"; done; } |
      psql --no-psqlrc --quiet --tuples-only --no-align --set=ON_ERROR_STOP=1 "$0"`,
  )

/** The last number that a recorder has seen acknowledged; 0 before the first. */
export const lastAcknowledged = (recorder: RunningProgram): number =>
  Math.max(
    0,
    ...recorder
      .lines()
      .filter((line) => /^\d+$/.test(line))
      .map(Number),
  )

/** Waits until so many more are acknowledged than now. */
export const waitForMore = (recorder: RunningProgram, count: number): Promise<true> => {
  const wanted = lastAcknowledged(recorder) + count
  const describe = (): string => recorder.lines().slice(-3).join(' | ')
  return waitFor({ what: `commit ${wanted} to be acknowledged`, timeoutMs: 240_000, describe }, () =>
    Promise.resolve(lastAcknowledged(recorder) >= wanted),
  )
}

/** Runs a program of PostgreSQL in the client's pod to its end; the result is what kubectl exec gave. */
export const runInClient = async (
  client: Client,
  program: string,
  ...argv: readonly string[]
): ReturnType<Lab['kubectl']> =>
  client.lab.kubectl(execIn(client, [program, ...argv, await conninfo(client)]))

/** Rows as text, fields with `|` between. @throws Error when the server cannot be asked */
export const query = async (client: Client, sql: string): Promise<string> => {
  const options = ['--no-psqlrc', '--quiet', '--tuples-only', '--no-align', '--set=ON_ERROR_STOP=1']
  const { exitCode, stdout, stderr } = await runInClient(client, 'psql', ...options, `--command=${sql}`)
  if (exitCode !== 0) throw new Error(`${sql}: ${stderr}`)
  return stdout
}

/** Waits until the server answers: after a power cut its pod counts as Ready before it is there. */
export const waitForServer = (client: Client): Promise<true> => {
  const ask = (): Promise<string> => query(client, 'SELECT 1').catch((error: unknown) => String(error))
  return waitFor(
    { what: 'the database to answer', timeoutMs: 400_000, intervalMs: 1000, describe: ask },
    async () => (await ask()) === '1',
  )
}
