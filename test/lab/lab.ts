import { resolve } from 'node:path'
import { execa } from 'execa'
import { ensurePrograms } from './programs/build.ts'
import { createApiClient, type ApiClient } from './runtime/api.ts'
import { kubeconfigOf, labDirectory, type LabDirectory } from './runtime/directory.ts'
import { silentProgress } from './runtime/progress.ts'
import { readState, type LabState } from './runtime/state.ts'
import { LabError } from './vm/errors.ts'
import type { Vm } from './vm/types.ts'
import { findVm, optionsOf, startVm } from './vm/vm.ts'

interface CommandResult {
  readonly stdout: string
  readonly stderr: string
  readonly exitCode: number
}

/** A lab that is up. Everything throws a LabError that names the node, disk or command it is about. */
export interface Lab {
  readonly directory: LabDirectory
  readonly state: LabState
  readonly api: ApiClient
  /** The running virtual machine of a node; an error when the node was cut. */
  readonly vm: (node: string) => Promise<Vm>
  /** Power cut: the virtual machine is killed, and what its disks had not flushed is lost. */
  readonly cut: (node: string) => Promise<void>
  /** Power on with the same disks; returns when it takes commands, before kubelet says Ready. */
  readonly start: (node: string) => Promise<Vm>
  /** Full command line that runs kubectl as administrator, in the lab's namespace. */
  readonly kubectlCommand: (argv: readonly string[]) => Promise<readonly [string, ...string[]]>
  /** A non-zero exit status is a result, not an error. */
  readonly kubectl: (argv: readonly string[], input?: string) => Promise<CommandResult>
}

/** Directory of the lab when none is named: the same for the command and for tests. */
export const defaultLabDirectory = (environment: NodeJS.ProcessEnv): string =>
  environment.LOAM_LAB_DIR ?? resolve(import.meta.dirname, '../../.lab/default')

/** What can be done with a lab, given its state; `openLab` is for everybody but those who make it. */
export const labOf = (directory: LabDirectory, state: LabState, environment: NodeJS.ProcessEnv): Lab => {
  const api = createApiClient(directory.apiSocket)

  const nodeFolder = (node: string): string => {
    const names = state.nodes.map(({ name }) => name)
    if (!names.includes(node))
      throw new LabError(`node ${node}`, 'is not in this lab', { advice: `nodes: ${names.join(', ')}` })
    return directory.node(node)
  }
  const vm = async (node: string): Promise<Vm> => {
    const found = await findVm(nodeFolder(node))
    if (found !== undefined) return found
    throw new LabError(`node ${node}`, 'is not running', { advice: `run scripts/lab start ${node}` })
  }
  const start = async (node: string): Promise<Vm> => {
    const options = await optionsOf(nodeFolder(node))
    if (options === undefined) throw new LabError(`node ${node}`, 'was never started')
    return startVm(options)
  }
  const kubectlCommand = async (argv: readonly string[]): Promise<[string, ...string[]]> => {
    const { kubectl } = await ensurePrograms(['kubectl'], environment, silentProgress)
    const kubeconfig = `--kubeconfig=${kubeconfigOf(directory, 'admin')}`
    return ['ip', 'netns', 'exec', directory.namespace, kubectl, kubeconfig, ...argv]
  }
  const runKubectl = async (argv: readonly string[], input?: string): Promise<CommandResult> => {
    const [program, ...rest] = await kubectlCommand(argv)
    const result = await execa(program, rest, { reject: false, ...(input === undefined ? {} : { input }) })
    if (result.exitCode === undefined)
      throw new LabError(`kubectl ${argv.join(' ')}`, 'did not end by itself', { cause: result })
    return { stdout: result.stdout, stderr: result.stderr, exitCode: result.exitCode }
  }
  const cut = async (node: string): Promise<void> => (await vm(node)).cut()
  return { directory, state, api, vm, cut, start, kubectlCommand, kubectl: runKubectl }
}

/**
 * The lab in that directory, made by this process or by another one. One that was not made completely can be looked at,
 * so that people see why.
 */
export const openLab = async (path: string, environment: NodeJS.ProcessEnv): Promise<Lab> => {
  const directory = labDirectory(path)
  const state = await readState(directory)
  if (state !== undefined) return labOf(directory, state, environment)
  throw new LabError(`lab in ${directory.root}`, 'is not up', { advice: 'run scripts/lab up' })
}
