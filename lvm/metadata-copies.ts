import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

import { messageOf } from '../core/errors.ts'
import { atStep } from '../core/failpoints.ts'
import type { Logger } from '../core/logger.ts'
import { CommandFailed } from './errors.ts'
import type { KnownGroup } from './known-groups.ts'
import { copyMetadataCommand } from './lvm-command.ts'
import type { Lvm } from './lvm.ts'
import { copiesOf, copyFileName, outdatedCopies, parseCopy, type CopyContent } from './metadata-copy.ts'
import { StuckWork } from './stuck-work.ts'

/** From a change to its copy: what is changed meanwhile is in the same copy. */
const COPY_AFTER_MS = 10_000
/** A directory that is full or read-only is tried again this much later, and only when the group is looked at. */
const RETRY_AFTER_MS = 600_000

export interface MetadataCopiesTools {
  readonly lvm: Lvm
  /** Volume groups, by name, on which work has not ended: nothing is started behind it. */
  readonly stuck: StuckWork
  readonly log: Logger
  /** Where LVM writes, in memory; the same path where LVM runs. */
  readonly scratchDirectory: string
  /** Where copies are kept, on a disk of the node. */
  readonly directory: string
}

const writeWhole = (directory: string, fileName: string, text: string): Promise<void> =>
  atStep('keep-metadata-copy', async () => {
    const part = join(directory, `${fileName}.part`)
    try {
      await writeFile(part, text, { mode: 0o600, flush: true })
      await rename(part, join(directory, fileName))
    } finally {
      await rm(part, { force: true })
    }
  })

const drop = (file: string): Promise<void> => atStep('drop-metadata-copy', () => rm(file, { force: true }))

/**
 * Keeps a bounded number of copies of each group's metadata on the node (vgcfgbackup(8)), for the day on which a
 * disk's own copy is gone. Beside the work and never in its way: nobody waits for a copy, LVM writes it to memory and
 * is out of it before anything is written to the directory, and a failure is a line in the log.
 *
 * Not guaranteed: changes of the last seconds before a crash are copied when the group is next looked at.
 */
export class MetadataCopies {
  readonly #tools: MetadataCopiesTools
  readonly #copying = new StuckWork('copy of the metadata of volume group')
  readonly #copiedSeqno = new Map<string, number>()
  readonly #pending = new Set<string>()
  readonly #failures = new Map<string, string>()

  constructor(tools: MetadataCopiesTools) {
    this.#tools = tools
  }

  /** Copies, in a while, every group whose newest report is of another version than its copy. Returns at once. */
  noteChanges(groups: readonly KnownGroup[]): void {
    for (const known of groups) {
      const seqno = known.last?.group.seqno
      const isCopied = seqno === undefined || seqno === this.#copiedSeqno.get(known.uuid)
      if (isCopied || this.#pending.has(known.uuid)) continue
      this.#pending.add(known.uuid)
      const delay = this.#failures.has(known.uuid) ? RETRY_AFTER_MS : COPY_AFTER_MS
      setTimeout(() => void this.#copyAndTell(known), delay).unref()
    }
  }

  async #copyAndTell(known: KnownGroup): Promise<void> {
    const { log, directory } = this.#tools
    const facts = { volumeGroup: known.name, directory }
    try {
      this.#copiedSeqno.set(known.uuid, await this.#copy(known))
      if (this.#failures.delete(known.uuid)) log.info('Copies of the metadata are kept again', facts)
    } catch (error) {
      const message = messageOf(error)
      if (this.#failures.get(known.uuid) !== message)
        log.warn('No copy of the metadata was kept; volumes are not concerned', { ...facts, error: message })
      this.#failures.set(known.uuid, message)
    } finally {
      this.#pending.delete(known.uuid)
    }
    if (!this.#failures.has(known.uuid)) this.noteChanges([known])
  }

  /** Gives the version that is kept now. */
  async #copy(known: KnownGroup): Promise<number> {
    const { directory, log } = this.#tools
    const { text, content } = await this.#readMetadata(known)
    await mkdir(directory, { recursive: true, mode: 0o700 })
    if (await this.#isKept(content)) return content.seqno
    const fileName = copyFileName(content, new Date())
    await writeWhole(directory, fileName, text)
    for (const outdated of outdatedCopies(known.uuid, await readdir(directory), fileName))
      await drop(join(directory, outdated))
    log.debug('Kept a copy of the metadata', { volumeGroup: known.name, seqno: content.seqno, fileName })
    return content.seqno
  }

  async #readMetadata(known: KnownGroup): Promise<{ text: string; content: CopyContent }> {
    const { lvm, stuck, scratchDirectory } = this.#tools
    const file = join(scratchDirectory, `${known.uuid}.vg`)
    stuck.refuse(known.name)
    await mkdir(scratchDirectory, { recursive: true, mode: 0o700 })
    const command = copyMetadataCommand({ groupName: known.name, file })
    await this.#copying.watch(known.name, () => lvm.read(command, known.devices))
    const text = await readFile(file, 'utf8')
    await drop(file)
    const content = parseCopy(text)
    if (content?.uuid === known.uuid) return { text, content }
    throw new CommandFailed(
      `volume group "${known.name}"`,
      'vgcfgbackup wrote something else than its metadata',
    )
  }

  /** A restart of the agent is no reason for a copy: else a crash loop would push out the older ones. */
  async #isKept({ uuid, metadata }: CopyContent): Promise<boolean> {
    const { directory } = this.#tools
    const [newest] = copiesOf(uuid, await readdir(directory))
    if (newest === undefined) return false
    return parseCopy(await readFile(join(directory, newest), 'utf8'))?.metadata === metadata
  }
}
