import { parseArgs } from 'node:util'
import { LoamError, messageOf } from '../../../core/errors.ts'
import { parseQuantity } from '../../../core/quantity.ts'
import { MOST_NODES } from '../addresses.ts'

/** A command line that the lab does not understand: says which argument, what it was, and what is allowed. */
export class UsageError extends LoamError {
  readonly reason = 'BadArgument'
}

export const LOG_NAMES = ['agent', 'kubelet', 'containerd'] as const
export type LogName = (typeof LOG_NAMES)[number]

interface UpRequest {
  readonly nodes: number
  readonly disks: { readonly count: number; readonly sizeBytes: number }
  readonly withLoam: boolean
}

export type LabCommand =
  | ({ readonly name: 'up' } & UpRequest)
  | { readonly name: 'down' | 'status' | 'reload' | 'env' | 'help' }
  | { readonly name: 'kubectl'; readonly argv: readonly string[] }
  | { readonly name: 'exec'; readonly node: string; readonly argv: readonly string[] }
  | { readonly name: 'cut' | 'start'; readonly node: string }
  | { readonly name: 'pull' | 'plug'; readonly node: string; readonly disk: string }
  | { readonly name: 'logs'; readonly node: string | undefined; readonly log: LogName }
  | { readonly name: 'load'; readonly file: string }

export interface CommandLine {
  /** Directory given with `--lab`. */
  readonly lab: string | undefined
  readonly command: LabCommand
}

const MOST_DISKS = 8
/** LVM needs some room for metadata and a file system needs more; below this nothing useful fits. */
const SMALLEST_DISK_BYTES = 64n * 1024n * 1024n

const refuse = (argument: string, value: string | undefined, allowed: string): never => {
  throw new UsageError(argument, value === undefined ? 'is missing' : `"${value}" is not allowed`, {
    advice: allowed,
  })
}

const parseNodes = (text: string | undefined): number =>
  text !== undefined && /^[1-9]$/.test(text) && Number(text) <= MOST_NODES
    ? Number(text)
    : refuse('--nodes', text, `a number from 1 to ${MOST_NODES}`)

const parseDisks = (text: string | undefined): UpRequest['disks'] => {
  const allowed = `COUNTxSIZE, as in 2x1GiB: 0 to ${MOST_DISKS} disks of 64MiB or more each`
  const match = /^(\d)x(.+)$/.exec(text ?? '')
  const count = Number(match?.[1] ?? 'NaN')
  const sizeBytes = parseQuantity((match?.[2] ?? '').replace(/B$/, ''))
  if (!(count <= MOST_DISKS) || sizeBytes === undefined || sizeBytes < SMALLEST_DISK_BYTES)
    return refuse('--disks', text, allowed)
  // A whole number of sectors; rounding here would give another size than was asked for.
  if (sizeBytes % 512n !== 0n) return refuse('--disks', text, 'a size that is a multiple of 512 bytes')
  return { count, sizeBytes: Number(sizeBytes) }
}

const UP_OPTIONS = {
  nodes: { type: 'string', default: '3' },
  disks: { type: 'string', default: '2x1GiB' },
  'without-loam': { type: 'boolean', default: false },
} as const

const upValues = (argv: readonly string[]) => {
  try {
    return parseArgs({ args: [...argv], options: UP_OPTIONS, strict: true }).values
  } catch (error) {
    throw new UsageError('up', messageOf(error), {
      advice: 'options of up: --nodes NUMBER, --disks COUNTxSIZE, --without-loam',
    })
  }
}

const parseUp = (argv: readonly string[]): LabCommand => {
  const { nodes, disks, 'without-loam': withoutLoam } = upValues(argv)
  return { name: 'up', nodes: parseNodes(nodes), disks: parseDisks(disks), withLoam: !withoutLoam }
}

const parseExec = ([node, separator, ...argv]: readonly string[]): LabCommand => {
  if (node === undefined || separator !== '--' || argv.length === 0)
    return refuse('exec', [node, separator].join(' ').trim() || undefined, 'exec NODE -- COMMAND [ARGUMENT…]')
  return { name: 'exec', node, argv }
}

/** Exactly the words that `form` names; fewer or more are refused. */
const words = (name: string, argv: readonly string[], form: readonly string[]): readonly string[] => {
  const allowed = [name, ...form].join(' ')
  if (argv.length < form.length) return refuse(`${name}: ${form[argv.length] ?? ''}`, undefined, allowed)
  if (argv.length > form.length) return refuse(name, argv[form.length], allowed)
  return argv
}

const parseLogs = (argv: readonly string[]): LabCommand => {
  const isLog = (word: string | undefined): word is LogName => LOG_NAMES.includes(word as LogName)
  const last = argv.at(-1)
  const log = isLog(last) ? last : 'agent'
  const [node, extra] = isLog(last) ? argv.slice(0, -1) : argv
  if (extra !== undefined) return refuse('logs', extra, `logs [NODE] [${LOG_NAMES.join('|')}]`)
  return { name: 'logs', node, log }
}

const parsers: Readonly<Record<LabCommand['name'], (argv: readonly string[]) => LabCommand>> = {
  up: parseUp,
  down: (argv) => (words('down', argv, []), { name: 'down' }),
  status: (argv) => (words('status', argv, []), { name: 'status' }),
  reload: (argv) => (words('reload', argv, []), { name: 'reload' }),
  env: (argv) => (words('env', argv, []), { name: 'env' }),
  help: () => ({ name: 'help' }),
  kubectl: (argv) => ({ name: 'kubectl', argv }),
  exec: parseExec,
  cut: (argv) => ({ name: 'cut', node: words('cut', argv, ['NODE'])[0] ?? '' }),
  start: (argv) => ({ name: 'start', node: words('start', argv, ['NODE'])[0] ?? '' }),
  pull: (argv) => diskCommand('pull', argv),
  plug: (argv) => diskCommand('plug', argv),
  logs: parseLogs,
  load: (argv) => ({ name: 'load', file: words('load', argv, ['FILE.tar'])[0] ?? '' }),
}

const diskCommand = (name: 'pull' | 'plug', argv: readonly string[]): LabCommand => {
  const [node = '', disk = ''] = words(name, argv, ['NODE', 'DISK'])
  return { name, node, disk }
}

const isCommandName = (word: string): word is LabCommand['name'] => Object.hasOwn(parsers, word)

/** Reads `[--lab DIRECTORY] COMMAND …`. Throws UsageError. */
export const parseCommandLine = (argv: readonly string[]): CommandLine => {
  const [first = 'help', second, ...rest] = argv
  if (first === '--lab') {
    if (second === undefined) return refuse('--lab', undefined, '--lab DIRECTORY')
    return { ...parseCommandLine(rest), lab: second }
  }
  const name = ['--help', '-h'].includes(first) ? 'help' : first
  if (!isCommandName(name)) return refuse('command', name, Object.keys(parsers).join(', '))
  return { lab: undefined, command: parsers[name](argv.slice(1)) }
}
