import PQueue from 'p-queue'

import { withDeadline } from './deadline.ts'
import { withDirectFile, type DirectFile } from './direct-read.ts'
import { deviceNumberOf } from './device-number.ts'
import { readDiskText, type DiskText } from './disk-text.ts'
import { AREA_HEADER_BYTES, HEAD_BYTES, parseAreaHeader, parseLabel } from './metadata-header.ts'
import { SharedRead } from './shared-read.ts'
import { StuckWork } from './stuck-work.ts'

/** What the disk behind a path shows of LVM's metadata without any program being run. */
export type DiskState =
  | {
      readonly kind: 'headers'
      /** Differs after every change of the metadata, and when another device is behind the path. */
      readonly mark: string
      /** Whether LVM writes the group's metadata to this disk: only then a change shows in the mark. */
      readonly showsChanges: boolean
    }
  | { readonly kind: 'absent' }
  /** Not read, or not understood: nothing can be said. */
  | { readonly kind: 'doubt' }

const DOUBT: DiskState = { kind: 'doubt' }

const READ_DEADLINE_MS = 3000

/**
 * Reads go through the few threads that serve all files of this process (libuv's pool), and one that waits for a dead
 * disk holds its thread. Half of them are left to the rest.
 */
const usualThreads = (): number => Math.max(1, Math.floor((Number(process.env.UV_THREADPOOL_SIZE) || 4) / 2))

/** The first area is at the start of the device as a rule, and has been read with the label. */
const areaHeaderOf = async (file: DirectFile, head: Buffer, offsetBytes: bigint): Promise<Buffer> =>
  offsetBytes + BigInt(AREA_HEADER_BYTES) <= BigInt(head.length)
    ? head.subarray(Number(offsetBytes), Number(offsetBytes) + AREA_HEADER_BYTES)
    : await file.read(offsetBytes, AREA_HEADER_BYTES)

const headersOf = async (file: DirectFile): Promise<DiskState> => {
  const head = await file.read(0n, HEAD_BYTES)
  const label = parseLabel(head)
  if (label === undefined) return DOUBT
  const marks = [deviceNumberOf(file.rdev), label.physicalVolumeUuid, String(label.checksum)]
  let showsChanges = false
  for (const area of label.areas) {
    const header = await areaHeaderOf(file, head, area.offsetBytes)
    const found = parseAreaHeader(header, area)
    if (found === undefined) return DOUBT
    if (found.text !== undefined && !found.text.ignored) showsChanges = true
    marks.push(header.toString('base64'))
  }
  return { kind: 'headers', mark: marks.join(' '), showsChanges }
}

const isAbsence = (error: unknown): boolean =>
  error instanceof Error && 'code' in error && ['ENOENT', 'ENXIO', 'ENODEV'].includes(String(error.code))

const readText = async (path: string): Promise<DiskText | undefined> => {
  try {
    return await withDirectFile(path, readDiskText)
  } catch (error) {
    if (isAbsence(error)) return undefined
    throw error
  }
}

const readState = async (path: string): Promise<DiskState> => {
  try {
    return await withDirectFile(path, headersOf)
  } catch (error) {
    return isAbsence(error) ? { kind: 'absent' } : DOUBT
  }
}

/**
 * Looks at disks for a change of LVM's metadata: microseconds a disk, and no process. A disk that does not answer is
 * in doubt, holds one thread at most until it does, and keeps no other disk waiting.
 */
export class DiskStates {
  readonly #stuck = new StuckWork('header of disk')
  readonly #threads: PQueue
  readonly #deadlineMs: number
  readonly #reads = new Map<string, SharedRead<DiskState>>()
  readonly #readState: (path: string) => Promise<DiskState>

  /** `read` is another way to look, for tests of disks that hang. */
  constructor(
    options: {
      readonly read?: (path: string) => Promise<DiskState>
      readonly deadlineMs?: number
      readonly threads?: number
    } = {},
  ) {
    this.#readState = options.read ?? readState
    this.#deadlineMs = options.deadlineMs ?? READ_DEADLINE_MS
    this.#threads = new PQueue({ concurrency: options.threads ?? usualThreads() })
  }

  /** What each of these paths showed at some moment after the call. Never fails. */
  async of(paths: readonly string[]): Promise<readonly DiskState[]> {
    return await Promise.all(paths.map((path) => this.#of(path)))
  }

  /**
   * The metadata text on each of these paths that leads to a disk, read after the call.
   *
   * @throws Error when any of them cannot be read whole, Stuck and OutcomeUnknown for a disk that does not answer.
   */
  async textsOn(paths: readonly string[]): Promise<readonly DiskText[]> {
    const found = await Promise.all(paths.map((path) => this.#watch(path, () => readText(path))))
    return found.filter((text) => text !== undefined)
  }

  async #of(path: string): Promise<DiskState> {
    const read = this.#reads.get(path) ?? new SharedRead(() => this.#watch(path, () => this.#readState(path)))
    this.#reads.set(path, read)
    try {
      return await read.fresh()
    } catch {
      // it took too long, or an earlier read has not ended
      return DOUBT
    }
  }

  #watch<T>(path: string, read: () => Promise<T>): Promise<T> {
    return this.#stuck.watch(path, () =>
      withDeadline(`reading the metadata on ${path}`, this.#threads.add(read), this.#deadlineMs),
    )
  }
}

/**
 * One text for the metadata of a group on these disks, equal only while nothing has changed. Undefined when that
 * cannot be proved: a disk is in doubt, or none of them shows changes.
 */
export const proofOf = (states: readonly DiskState[]): string | undefined => {
  const isDoubtful = states.some(({ kind }) => kind === 'doubt')
  const showsChanges = states.some((state) => state.kind === 'headers' && state.showsChanges)
  if (isDoubtful || !showsChanges) return undefined
  return states.map((state) => (state.kind === 'headers' ? state.mark : state.kind)).join('\n')
}
