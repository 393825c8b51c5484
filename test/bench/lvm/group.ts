import { readFile, writeFile } from 'node:fs/promises'
import type { VolumeGroup } from '../../../lvm/types.ts'
import { GROUP, groupOn, handMadeLvm, recordingRunner, startNode } from '../../node/lvm/fixture.ts'
import { filledMetadata } from './filled-metadata.ts'

const EMPTY = '/run/bench-empty.vg'
const FILLED = '/run/bench-filled.vg'
/** Above every number that a measurement can count up to from the one before. */
const SEQNO_STEP = 100_000

/** Makes the group of the benches on a blank disk, without any volume. */
export const makeGroup = async (disk: string): Promise<void> => {
  const node = await startNode()
  await groupOn(node.volumes, disk)
  await node.close()
  await handMadeLvm('vgcfgbackup', '--file', EMPTY, GROUP)
}

const seqnoNow = async (): Promise<number> =>
  Number(await handMadeLvm('vgs', '--noheadings', '--options', 'vg_seqno', GROUP))

/** Leaves exactly so many volumes in the group, whatever is there now; all must be inactive. */
export const fillGroup = async (volumes: number): Promise<void> => {
  const seqno = (Math.floor((await seqnoNow()) / SEQNO_STEP) + 1) * SEQNO_STEP
  await writeFile(FILLED, filledMetadata(await readFile(EMPTY, 'utf8'), volumes, seqno))
  await handMadeLvm('vgcfgrestore', '--file', FILLED, GROUP)
}

/** The room with the group met, and what it runs. */
export const startRoom = async (disk: string, other: Parameters<typeof startNode>[1] = {}) => {
  const runner = recordingRunner()
  const node = await startNode(runner, other)
  const group: VolumeGroup = await groupOn(node.volumes, disk)
  return { ...node, group, commands: runner.commands }
}
