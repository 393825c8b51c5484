import { readFile } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'

import type { EraseMethod } from '../core/volume-tags.ts'
import { complaintOf, type CommandRunner } from './command-runner.ts'
import { endsOf, firstNonZero, samplesOf, type ByteRange } from './content.ts'
import type { MappedVolume } from './device-mapper.ts'
import { CommandFailed, OutcomeUnknown } from './errors.ts'
import { flushDevice } from './flush.ts'
import type { JustMade } from './just-made.ts'
import type { Unused } from './unused.ts'

/** How an erasure shares the disks with the volumes in use, and how much of it a crash may cost. */
export interface ErasePace {
  /** Erased in one go: short enough for others to get between, large enough that starting a process does not count. */
  readonly stepBytes: bigint
  /** After so many bytes the progress is written into the volume's tags, which costs a commit of LVM. */
  readonly recordEveryBytes: bigint
  /** Part of the time in which the disks are kept busy, above 0 and up to 1. */
  readonly share: number
}

const GIB = 1024n * 1024n * 1024n
export const USUAL_PACE: ErasePace = { stepBytes: GIB / 4n, recordEveryBytes: 16n * GIB, share: 0.5 }

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

/** Makes a range read as zero; the tool opens the device exclusively. @throws CommandFailed, OutcomeUnknown. */
export const zeroOut = (
  runner: CommandRunner,
  path: string,
  range: { readonly offset: bigint; readonly length: bigint },
): Promise<void> => blkdiscard(runner, path, range, 'write-zeros')

const canDiscard = async (mapped: MappedVolume): Promise<boolean> =>
  (await readFile(`/sys/block/${mapped.kernelName}/queue/discard_max_bytes`, 'utf8')).trim() !== '0'

export const stepAt = (offset: bigint, sizeBytes: bigint, stepBytes: bigint): ByteRange => {
  const left = sizeBytes - offset
  return { offset, length: left < stepBytes ? left : stepBytes }
}

export interface Erasure {
  readonly method: Exclude<EraseMethod, 'none'>
  readonly pace: ErasePace
  /** Everything before was erased by an earlier try. */
  readonly fromBytes: bigint
  /** Called when everything before this offset reads as zero and is on the disks. */
  readonly onProgress: (erasedBytes: bigint) => Promise<void>
}

/**
 * Makes every byte of a volume read as zero, on the disks when it returns: the only place that erases.
 *
 * The kernel writes the zeros (BLKZEROOUT, by blkdiscard(8)), handing the work to the disk where it can do it alone.
 * No device promises what a discard leaves behind, so `discard` gives the space back to the disk first and writes
 * zeros all the same. Opened exclusively by the tool, step by step, with a pause after each that leaves the disks to
 * others.
 *
 * @throws CommandFailed, OutcomeUnknown; the volume's space must then not be given away.
 */
export const eraseVolume = async (
  runner: CommandRunner,
  unused: Unused,
  mapped: MappedVolume,
  { method, pace, fromBytes, onProgress }: Erasure,
): Promise<void> => {
  const { sizeBytes } = unused.volume
  const discard = method === 'discard' && (await canDiscard(mapped))
  let recorded = fromBytes
  for (let offset = fromBytes; offset < sizeBytes; offset += pace.stepBytes) {
    const startedAt = performance.now()
    const step = stepAt(offset, sizeBytes, pace.stepBytes)
    if (discard) await blkdiscard(runner, mapped.path, step, 'discard-space')
    await zeroOut(runner, mapped.path, step)
    const done = offset + step.length
    if (done === sizeBytes) break
    if (done - recorded >= pace.recordEveryBytes) {
      await flushDevice(mapped.path)
      await onProgress(done)
      recorded = done
    }
    await sleep((performance.now() - startedAt) * (1 / pace.share - 1))
  }
  await flushDevice(mapped.path)
  const left = await firstNonZero(mapped.path, samplesOf(sizeBytes))
  if (left !== undefined)
    throw new OutcomeUnknown(`device ${mapped.path}`, `byte ${left} is not zero although it was erased`)
}

/** Makes the first and the last MiB of a volume zero that nobody can have used yet; on the disks when it returns. */
export const blankEnds = async (
  runner: CommandRunner,
  { volume }: JustMade,
  mapped: MappedVolume,
): Promise<void> => {
  for (const range of endsOf(volume.sizeBytes)) await blkdiscard(runner, mapped.path, range, 'write-zeros')
  await flushDevice(mapped.path)
}
