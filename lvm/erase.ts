import { readFile } from 'node:fs/promises'

import type { EraseMethod } from '../core/volume-tags.ts'
import { complaintOf, type CommandRunner } from './command-runner.ts'
import { firstNonZero, samplesOf } from './content.ts'
import type { MappedVolume } from './device-mapper.ts'
import { CommandFailed, OutcomeUnknown } from './errors.ts'
import { flushDevice } from './flush.ts'
import type { Unused } from './unused.ts'

/** Small enough to end in time on a slow disk, large enough that starting a process does not count. */
const STEP_BYTES = 1024n * 1024n * 1024n
const STEP_DEADLINE_MS = 10 * 60_000

const blkdiscard = async (
  runner: CommandRunner,
  path: string,
  range: { readonly offset: bigint; readonly length: bigint },
  how: 'discard-space' | 'write-zeros',
): Promise<void> => {
  const result = await runner.run({
    file: 'blkdiscard',
    args: [
      ...(how === 'write-zeros' ? ['--zeroout'] : []),
      '--offset',
      `${range.offset}`,
      '--length',
      `${range.length}`,
      '--',
      path,
    ],
    effect: 'change',
    step: how,
    deadlineMs: STEP_DEADLINE_MS,
  })
  if (result.exitCode !== 0) throw new CommandFailed(`device ${path}`, `blkdiscard: ${complaintOf(result)}`)
}

const canDiscard = async (mapped: MappedVolume): Promise<boolean> =>
  (await readFile(`/sys/block/${mapped.kernelName}/queue/discard_max_bytes`, 'utf8')).trim() !== '0'

const stepsOf = (sizeBytes: bigint): { offset: bigint; length: bigint }[] =>
  Array.from({ length: Number((sizeBytes + STEP_BYTES - 1n) / STEP_BYTES) }, (_unused, index) => {
    const offset = BigInt(index) * STEP_BYTES
    const left = sizeBytes - offset
    return { offset, length: left < STEP_BYTES ? left : STEP_BYTES }
  })

/**
 * Makes every byte of a volume read as zero, on the disks when it returns: the only place that erases.
 *
 * The kernel writes the zeros (BLKZEROOUT, by blkdiscard(8)), handing the work to the disk where it can do it alone.
 * No device promises what a discard leaves behind, so `discard` gives the space back to the disk first and writes
 * zeros all the same. Opened exclusively by the tool, step by step; done again from the start after a crash.
 *
 * @throws CommandFailed, OutcomeUnknown; the volume's space must then not be given away.
 */
export const eraseVolume = async (
  runner: CommandRunner,
  unused: Unused,
  mapped: MappedVolume,
  method: Exclude<EraseMethod, 'none'>,
): Promise<void> => {
  const { sizeBytes } = unused.volume
  const discard = method === 'discard' && (await canDiscard(mapped))
  for (const step of stepsOf(sizeBytes)) {
    if (discard) await blkdiscard(runner, mapped.path, step, 'discard-space')
    await blkdiscard(runner, mapped.path, step, 'write-zeros')
  }
  await flushDevice(mapped.path)
  const left = await firstNonZero(mapped.path, samplesOf(sizeBytes))
  if (left !== undefined)
    throw new OutcomeUnknown(`device ${mapped.path}`, `byte ${left} is not zero although it was erased`)
}
