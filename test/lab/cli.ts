import { execa } from 'execa'
import { messageOf } from '../../core/errors.ts'
import { parseCommandLine, UsageError, type LabCommand } from './cli/arguments.ts'
import { readLogs } from './cli/logs.ts'
import { describeLab } from './cli/status.ts'
import { USAGE } from './cli/usage.ts'
import { down } from './down.ts'
import { loadImage } from './images/load.ts'
import { defaultLabDirectory, openLab, type Lab } from './lab.ts'
import { reload } from './loam/install.ts'
import { waitForNode } from './node/ready.ts'
import { kubeconfigOf, labDirectory, type LabDirectory } from './runtime/directory.ts'
import { createProgress } from './runtime/progress.ts'
import { up } from './up.ts'
import { quote } from './vm/shell.ts'

const toStderr = (line: string): void => void process.stderr.write(line)
const print = (text: string): void => void process.stdout.write(text)

/** Passes all three streams and the exit status through. */
const execute = async ([program, ...argv]: readonly [string, ...string[]]): Promise<number> => {
  const { exitCode, originalMessage } = await execa(program, argv, { stdio: 'inherit', reject: false })
  if (exitCode === undefined) throw new Error(`${program} could not be run: ${originalMessage ?? ''}`)
  return exitCode
}

const exec = async (lab: Lab, node: string, argv: readonly string[]): Promise<number> => {
  const vm = await lab.vm(node)
  const terminal = process.stdin.isTTY && process.stdout.isTTY
  return (await vm.exec(argv, { output: 'inherit', input: 'inherit', terminal })).exitCode
}

/** Returns when the node is Ready, and tells how long that took. */
const start = async (lab: Lab, node: string): Promise<void> => {
  const progress = createProgress(toStderr)
  const vm = await progress.phase(`${node}: booted`, () => lab.start(node))
  await progress.phase(`${node}: Ready`, () => waitForNode(lab.api, vm))
}

const environmentLines = (directory: LabDirectory): string =>
  [
    `export KUBECONFIG=${quote(kubeconfigOf(directory, 'admin'))}`,
    `export LOAM_LAB_DIR=${quote(directory.root)}`,
    `export LOAM_LAB_NAMESPACE=${quote(directory.namespace)}`,
    `export LOAM_LAB_API_SOCKET=${quote(directory.apiSocket)}`,
    '# The API server listens inside the namespace: ip netns exec "$LOAM_LAB_NAMESPACE" COMMAND',
    '# From outside: curl --unix-socket "$LOAM_LAB_API_SOCKET" http://lab/api/v1/nodes',
  ].join('\n')

/** Runs a command and gives the exit status. */
const run = async (command: LabCommand, directory: LabDirectory): Promise<number> => {
  const lab = () => openLab(directory.root, process.env)
  switch (command.name) {
    case 'help':
      print(USAGE)
      return 0
    case 'up': {
      const progress = createProgress(toStderr)
      await up(directory, { ...command, environment: process.env, progress })
      return 0
    }
    case 'down':
      await down(directory, process.env)
      return 0
    case 'status':
      print(await describeLab(await lab()))
      return 0
    case 'kubectl':
      return execute(await (await lab()).kubectlCommand(command.argv))
    case 'exec':
      return exec(await lab(), command.node, command.argv)
    case 'cut':
      await (await lab()).cut(command.node)
      return 0
    case 'start':
      await start(await lab(), command.node)
      return 0
    case 'pull':
    case 'plug':
      await (await (await lab()).vm(command.node))[command.name](command.disk)
      return 0
    case 'logs':
      print(await readLogs(await lab(), command.node, command.log))
      return 0
    case 'reload':
      await reload(await lab(), createProgress(toStderr))
      return 0
    case 'env':
      print(`${environmentLines((await lab()).directory)}\n`)
      return 0
    case 'load':
      await loadImage(await lab(), command.file)
      return 0
  }
}

try {
  const { lab, command } = parseCommandLine(process.argv.slice(2))
  process.exitCode = await run(command, labDirectory(lab ?? defaultLabDirectory(process.env)))
} catch (error) {
  console.error(`scripts/lab: ${messageOf(error)}`)
  // 2 for a command line that is wrong, as shells and most programs have it.
  process.exitCode = error instanceof UsageError ? 2 : 1
}
