import type { ChangeStep } from '../core/failpoints.ts'
import type { FileSystem } from '../core/volume-tags.ts'
import { complaintOf, type CommandRunner } from '../lvm/command-runner.ts'
import { checkingCommand } from '../lvm/file-system.ts'
import { MountFailed, MountInUse } from './errors.ts'

/**
 * The only place that mounts and unmounts. Paths are those of held-path.ts and so lead past any link; mount(8) is told
 * not to work on their text (`--no-canonicalize`), nor to run helpers of a file system (`--internal-only`).
 *
 * A zero exit status is not believed: callers read the mount table afterwards.
 */
export interface MountCommands {
  /** `shownPath` is what messages call the place. @throws MountFailed */
  mountDevice(request: {
    devicePath: string
    fileSystem: FileSystem
    options: readonly string[]
    target: string
    shownPath: string
  }): Promise<void>
  /** Shows a directory or file at a second place. @throws MountFailed */
  bind(request: { source: string; target: string; shownPath: string }): Promise<void>
  /** Makes one mount read-only and sets its other options; the file system itself is left as it is. @throws MountFailed */
  makeReadOnly(request: { target: string; options: readonly string[]; shownPath: string }): Promise<void>
  /** Never lazy and never by force: a mount in use stays. @throws MountInUse, MountFailed */
  unmount(request: { target: string; shownPath: string }): Promise<void>
}

/** A journal that has to be replayed after a power cut takes its time. Shorter than kubelet's wait for the call (2 min). */
const DEADLINE_MS = 100_000

const COMMON = ['--no-canonicalize', '--internal-only', '--no-mtab'] as const

/** mount(8) says much the same of a wrong option and of damage: only the kernel's log tells them apart. */
const adviceFor = (fileSystem: FileSystem, devicePath: string): string =>
  "the node's kernel log says why; if the file system is damaged, nothing was repaired: scale its pods to none, and " +
  `look with "${checkingCommand(fileSystem, devicePath)}", which writes nothing; then see "Damaged file systems" in docs/csi.md`

/** mount(8): "mount failed". A busy target is told apart by the kernel's word for EBUSY (LC_ALL=C). */
const BUSY = /busy/i

export const createMountCommands = (runner: CommandRunner): MountCommands => {
  const mount = async (
    step: ChangeStep,
    args: readonly string[],
    shownPath: string,
    advice = '',
  ): Promise<void> => {
    const result = await runner.run({
      file: 'mount',
      args: [...COMMON, ...args],
      effect: 'change',
      step,
      deadlineMs: DEADLINE_MS,
    })
    if (result.exitCode !== 0) {
      throw new MountFailed(shownPath, `mount failed, ${complaintOf(result)}`, { advice })
    }
  }
  return {
    mountDevice: ({ devicePath, fileSystem, options, target, shownPath }) =>
      mount(
        'mount-device',
        ['--types', fileSystem, '--options', options.join(','), '--', devicePath, target],
        shownPath,
        adviceFor(fileSystem, devicePath),
      ),

    bind: ({ source, target, shownPath }) => mount('bind-mount', ['--bind', '--', source, target], shownPath),

    makeReadOnly: ({ target, options, shownPath }) =>
      mount(
        'restrict-mount',
        ['--options', ['remount', 'bind', 'ro', ...options].join(','), '--', 'none', target],
        shownPath,
      ),

    unmount: async ({ target, shownPath }) => {
      const result = await runner.run({
        file: 'umount',
        args: [...COMMON, '--', target],
        effect: 'change',
        step: 'unmount',
        deadlineMs: DEADLINE_MS,
      })
      if (result.exitCode === 0) return
      if (BUSY.test(result.stderr)) throw new MountInUse(shownPath, complaintOf(result))
      throw new MountFailed(shownPath, `umount failed, ${complaintOf(result)}`)
    },
  }
}
