import { complaintOf, type CommandRunner } from './command-runner.ts'
import { CommandFailed } from './errors.ts'

/**
 * What blkid(8) recognised at the lowest level (`-p`: it reads the device and asks no cache). `nothing` also covers
 * a device that it could not read, because blkid gives exit status 2 for both: `nothing` alone is never proof of
 * blankness.
 */
export type Signature =
  | {
      readonly kind: 'nothing'
      /** For a partition without a signature: what the table of its disk says it is for. */
      readonly partition?: PartitionEntry
    }
  | { readonly kind: 'several' }
  | {
      readonly kind: 'found'
      /** `ext4`, `LVM2_member`, …; empty when there is only a partition table. */
      readonly type: string
      readonly uuid: string
      /** `gpt`, `dos`, …; empty when there is none. */
      readonly partitionTable: string
    }

/** blkid's name for LVM's label. */
export const LVM_LABEL = 'LVM2_member'

/** A partition's entry in the table of its disk. */
export interface PartitionEntry {
  /** GUID of a GPT entry, `0x…` of an MBR entry; small letters. */
  readonly type: string
  /** Empty in an MBR. */
  readonly name: string
}

const PROBE_DEADLINE_MS = 30_000

/** `NAME=value` lines of `blkid -o export`. */
export const parseExport = (text: string): Map<string, string> =>
  new Map(
    text
      .split('\n')
      .filter((line) => line.includes('='))
      .map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]),
  )

/** A partition that holds nothing gives success all the same, with its entry and nothing else. */
const entryAlone = (values: ReadonlyMap<string, string>): PartitionEntry | undefined => {
  const type = values.get('PART_ENTRY_TYPE')
  const others = [...values.keys()].filter((key) => key !== 'DEVNAME' && !key.startsWith('PART_ENTRY_'))
  return type === undefined || others.length > 0
    ? undefined
    : { type: type.toLowerCase(), name: values.get('PART_ENTRY_NAME') ?? '' }
}

/** Exit statuses as blkid(8) lists them; any other means that the tool itself failed. */
export const signatureOf = (path: string, exitCode: number, stdout: string): Signature => {
  const values = parseExport(stdout)
  if (exitCode === 2) return { kind: 'nothing' }
  if (exitCode === 8) return { kind: 'several' }
  const partition = exitCode === 0 ? entryAlone(values) : undefined
  if (partition !== undefined) return { kind: 'nothing', partition }
  if (exitCode === 0)
    return {
      kind: 'found',
      type: values.get('TYPE') ?? '',
      uuid: values.get('UUID') ?? '',
      partitionTable: values.get('PTTYPE') ?? '',
    }
  throw new CommandFailed(`device ${path}`, `blkid ended with exit status ${exitCode}`)
}

/** @throws CommandFailed when blkid cannot do its work; OutcomeUnknown when the device does not answer. */
export const probeSignature = async (runner: CommandRunner, path: string): Promise<Signature> => {
  const result = await runner.run({
    file: 'blkid',
    args: ['--probe', '--output', 'export', '--', path],
    effect: 'read',
    deadlineMs: PROBE_DEADLINE_MS,
  })
  try {
    return signatureOf(path, result.exitCode, result.stdout)
  } catch (cause) {
    throw new CommandFailed(`device ${path}`, `blkid: ${complaintOf(result)}`, { cause })
  }
}

/** For people. */
export const describeSignature = (signature: Signature): string => {
  if (signature.kind === 'nothing') return 'nothing that is recognised'
  if (signature.kind === 'several') return 'signatures of several kinds'
  if (signature.type !== '') return signature.type
  return signature.partitionTable === '' ? 'a signature' : `a ${signature.partitionTable} partition table`
}
