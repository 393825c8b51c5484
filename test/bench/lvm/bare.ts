import { execa } from 'execa'
import { tagsOf } from '../../../core/volume-tags.ts'
import { createVolumeCommand } from '../../../lvm/lvm-command.ts'
import { deviceFilter } from '../../../lvm/lvm-config.ts'
import type { VolumeGroup } from '../../../lvm/types.ts'
import { GROUP, MIB, requestFor, SYSTEM_DIRECTORY } from '../../node/lvm/fixture.ts'
import { secondsOfTimes } from './cpu-time.ts'
import { quoteAll } from '../../lab/vm/shell.ts'

/** What a careful person would script: Loam's lvm.conf and view of devices, one command, a flush. */
export const prologue = (disk: string, systemDirectory = SYSTEM_DIRECTORY): string => `
export LVM_SYSTEM_DIR=${quoteAll([systemDirectory])} LC_ALL=C
exec 3>&1 >/dev/null
view=${quoteAll([deviceFilter([disk])])}
disk=${quoteAll([disk])}
must() { "$@" 2>/run/bench-errors || { cat /run/bench-errors >&2; exit 1; }; }
`

/** One volume, of one extent when nothing else is said, with the options and tags of the room's own command. */
export const createLine = (group: Pick<VolumeGroup, 'name' | 'uuid'>, name: string, extents = 1n): string => {
  const { record } = requestFor(group, 4n * MIB)
  const volume = { groupName: group.name, name, extents, places: [], tags: tagsOf(record) }
  const { options } = createVolumeCommand({ ...volume, layout: { name: 'linear' } })
  return `must lvm lvcreate --config "$view" ${quoteAll(options)} -- ${group.name}; must sync "$disk"`
}

const removeLine = (name: string): string =>
  `must lvm lvremove --config "$view" --yes -- ${GROUP}/${name}; must sync "$disk"`

/** Standard output of a script for bash. @throws when it fails */
export const bash = async (script: string): Promise<string> =>
  (await execa('bash', ['-s'], { input: script, stripFinalNewline: true })).stdout

/** Milliseconds from the start until each of the volumes was made and flushed, one after another. */
export const bareCreates = async (
  disk: string,
  group: VolumeGroup,
  names: readonly string[],
): Promise<readonly number[]> => {
  const lines = names.map((name) => `${createLine(group, name)}\necho $EPOCHREALTIME >&3`)
  const output = await bash(`${prologue(disk)}\necho $EPOCHREALTIME >&3\n${lines.join('\n')}`)
  const [start = NaN, ...ends] = output.split('\n').map((seconds) => Number(seconds) * 1000)
  return ends.map((end) => end - start)
}

/** CPU-seconds (user and system, of bash and its children) of making and removing volumes, one after another. */
export const bareLivesCpuSeconds = async (
  disk: string,
  group: VolumeGroup,
  names: readonly string[],
): Promise<number> => {
  const lines = names.map((name) => `${createLine(group, name)}\n${removeLine(name)}`)
  return secondsOfTimes(await bash(`${prologue(disk)}\n${lines.join('\n')}\ntimes >&3`))
}
