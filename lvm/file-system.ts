import type { FileSystem } from '../core/volume-tags.ts'
import { complaintOf, type CommandRunner } from './command-runner.ts'
import { CommandFailed, Refused } from './errors.ts'
import type { NeverFormatted } from './volume-content.ts'

/** What mkfs needs at the least: mkfs.xfs(8) 300 MiB, mkfs.btrfs 109 MiB; ext4 fits into one extent. */
export const MIN_FILE_SYSTEM_BYTES: Record<FileSystem, bigint> = {
  ext4: 1n,
  xfs: 300n << 20n,
  btrfs: 109n << 20n,
}

interface Tool {
  readonly file: string
  readonly args: readonly string[]
}

/**
 * Never with a force flag. Without discard: the space is zeros already, and on a large disk it takes minutes. ext4
 * keeps no blocks back for root, who does not use the volume.
 */
const MAKE: Record<FileSystem, Tool> = {
  ext4: { file: 'mkfs.ext4', args: ['-q', '-m', '0', '-E', 'nodiscard,lazy_itable_init=1'] },
  xfs: { file: 'mkfs.xfs', args: ['-q', '-K'] },
  btrfs: { file: 'mkfs.btrfs', args: ['-q', '-K'] },
}

/** Checks that write nothing; exit status 0 means whole. */
const CHECK: Record<FileSystem, Tool> = {
  ext4: { file: 'e2fsck', args: ['-n', '-f'] },
  xfs: { file: 'xfs_repair', args: ['-n'] },
  btrfs: { file: 'btrfs', args: ['check', '--readonly'] },
}

const MAKE_DEADLINE_MS = 30 * 60_000
const CHECK_DEADLINE_MS = 10 * 60_000

/** No slash: nothing here may be a second device. */
const OPTION = /^[A-Za-z0-9_=,.:^-]{1,128}$/
const FORCE = new Set(['-F', '-FF', '-f', '--force'])

/** @throws Refused for an option that could name another device, or take away the tool's own caution. */
export const checkMkfsOptions = (options: readonly string[]): readonly string[] => {
  const bad = options.find((option) => !OPTION.test(option) || FORCE.has(option))
  if (bad === undefined) return options
  throw new Refused(`mkfs option ${JSON.stringify(bad)}`, 'not allowed', {
    advice: 'letters, digits and _ = , . : ^ - only, and no force flag',
  })
}

/** The command line that makes a file system on a device. @throws Refused as checkMkfsOptions. */
export const makeFileSystemCommand = (
  type: FileSystem,
  devicePath: string,
  options: readonly string[] = [],
): Tool => {
  const { file, args } = MAKE[type]
  return { file, args: [...args, ...checkMkfsOptions(options), '--', devicePath] }
}

/**
 * Makes a file system, the only place that does: on a device that is proven never to have held one.
 *
 * @throws CommandFailed when the tool refuses, OutcomeUnknown when it does not end.
 */
export const makeFileSystem = async (
  runner: CommandRunner,
  target: NeverFormatted,
  type: FileSystem,
  options: readonly string[],
): Promise<void> => {
  const tool = makeFileSystemCommand(type, target.devicePath, options)
  const result = await runner.run({
    ...tool,
    effect: 'change',
    step: 'make-file-system',
    deadlineMs: MAKE_DEADLINE_MS,
  })
  if (result.exitCode !== 0)
    throw new CommandFailed(`device ${target.devicePath}`, `${tool.file}: ${complaintOf(result)}`)
}

/** What a person types to see whether a file system is whole; it writes nothing. */
export const checkingCommand = (type: FileSystem, devicePath: string): string =>
  [CHECK[type].file, ...CHECK[type].args, devicePath].join(' ')

/** Whether a file system is whole, by the tool made for it; reads only. */
export const isFileSystemWhole = async (
  runner: CommandRunner,
  devicePath: string,
  type: FileSystem,
): Promise<boolean> => {
  const tool = CHECK[type]
  const result = await runner.run({
    file: tool.file,
    args: [...tool.args, devicePath],
    effect: 'read',
    deadlineMs: CHECK_DEADLINE_MS,
  })
  return result.exitCode === 0
}
