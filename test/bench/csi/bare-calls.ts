import type { VolumeGroup } from '../../../lvm/types.ts'
import { stateTag } from '../../../core/volume-tags.ts'
import { makeFileSystemCommand } from '../../../lvm/file-system.ts'
import { quoteAll } from '../../lab/vm/shell.ts'
import { bash, createLine, prologue } from '../lvm/bare.ts'

/** Calls of kubelet in the life of a volume, in their order: a first pod, and the start of a second one. */
export const CALLS = ['stage-first', 'publish', 'unpublish', 'unstage', 'stage-again'] as const
export type Call = (typeof CALLS)[number]

const STAGING = '/run/bench-staging'
const TARGET = '/run/bench-target'
const MARK = 'echo $EPOCHREALTIME >&3'

const lvchange = (volume: string, ...options: readonly string[]): string =>
  `must lvm lvchange --config "$view" ${quoteAll(options)} -- ${volume}`

/** What nobody can do without who writes down that a volume is in use: no looking, and no reading back. */
const stepsOf = (group: string, name: string): Record<Call, readonly string[]> => {
  const volume = `${group}/${name}`
  const device = `/dev/${volume}`
  const mkfs = makeFileSystemCommand('ext4', device)
  const activate = lvchange(volume, '-ay')
  const mount = `must mount ${quoteAll([device, STAGING])}`
  return {
    'stage-first': [
      activate,
      `must ${quoteAll([mkfs.file, ...mkfs.args])}`,
      `must sync ${device}`,
      lvchange(volume, '--deltag', stateTag('new'), '--addtag', stateTag('used')),
      'must sync "$disk"',
      mount,
    ],
    publish: [`must mount --bind ${STAGING} ${TARGET}`],
    unpublish: [`must umount ${TARGET}`],
    unstage: [`must umount ${STAGING}`, lvchange(volume, '-an')],
    'stage-again': [activate, mount],
  }
}

/** Milliseconds between each two of the moments that a script wrote. @throws Error when there are not as many */
export const callTimes = (output: string): Readonly<Record<Call, number>> => {
  const moments = output.split('\n').map((seconds) => Number(seconds) * 1000)
  if (moments.length !== CALLS.length + 1 || moments.some((moment) => !(moment > 0)))
    throw new Error(`the script wrote no ${CALLS.length + 1} moments: ${JSON.stringify(output)}`)
  const times = CALLS.map((call, index) => [call, (moments[index + 1] ?? 0) - (moments[index] ?? 0)])
  return Object.fromEntries(times) as Record<Call, number>
}

/** What the same takes a bash script, for a volume of its own. */
export const bareCalls = async (
  disk: string,
  { group, name, sizeBytes }: { group: VolumeGroup; name: string; sizeBytes: bigint },
): Promise<Readonly<Record<Call, number>>> => {
  const steps = stepsOf(group.name, name)
  const script = [
    prologue(disk),
    createLine(group, name, sizeBytes / group.extentSizeBytes),
    `must mkdir -p ${STAGING} ${TARGET}`,
    'must udevadm settle',
    MARK,
    ...CALLS.flatMap((call) => [...steps[call], MARK]),
    ...steps.unstage,
  ]
  return callTimes(await bash(script.join('\n')))
}
