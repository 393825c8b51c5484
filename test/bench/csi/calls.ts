import { emptyGroup, MIB, settle } from '../../node/lvm/fixture.ts'
import type { TestVolume } from '../../node/csi-node/csi-fixture.ts'
import type { Figure } from '../report.ts'
import { median } from '../statistics.ts'
import { bareCalls, CALLS, type Call } from './bare-calls.ts'
import { breakdownOf, type TimedCall } from './breakdown.ts'
import { startPlugin, type Plugin } from './plugin.ts'

const CALL_VOLUME_BYTES = 1024n * MIB
const POD = 'pod'

type Life = Readonly<Record<Call, TimedCall>>

export interface Calls {
  readonly plugin: readonly Life[]
  readonly bare: readonly Readonly<Record<Call, number>>[]
}

const timed = async (plugin: Plugin, work: () => Promise<unknown>): Promise<TimedCall> => {
  const before = plugin.commands.length
  const start = performance.now()
  await work()
  return { ms: performance.now() - start, commands: plugin.commands.slice(before) }
}

const work = (volume: TestVolume): Readonly<Record<Call, () => Promise<unknown>>> => ({
  'stage-first': () => volume.stage(),
  publish: () => volume.publish(POD),
  unpublish: () => volume.unpublish(POD),
  unstage: () => volume.unstage(),
  'stage-again': () => volume.stage(),
})

/** What udev does about an earlier change is not paid for by the call that is timed next. */
const liveOnce = async (plugin: Plugin): Promise<Life> => {
  const volume = await plugin.make('ext4', CALL_VOLUME_BYTES)
  const calls = work(volume)
  await settle()
  const life: Partial<Record<Call, TimedCall>> = {}
  for (const call of CALLS) life[call] = await timed(plugin, calls[call])
  await volume.unstage()
  return life as Life
}

/** In the guest: volumes through the plugin and by a script, in turns; the first turn warms up and is not counted. */
export const measureCalls = async (disk: string, rounds: number): Promise<Calls> => {
  const plugin = await startPlugin(disk)
  const lives: Life[] = []
  const bare: Readonly<Record<Call, number>>[] = []
  for (let round = 0; round <= rounds; round++) {
    lives.push(await liveOnce(plugin))
    const volume = { group: plugin.group, name: `bare-${round}`, sizeBytes: CALL_VOLUME_BYTES }
    bare.push(await bareCalls(disk, volume))
  }
  await plugin.close()
  await emptyGroup()
  return { plugin: lives.slice(1), bare: bare.slice(1) }
}

const SCRIPTS: Readonly<Record<Call, string>> = {
  'stage-first': 'lvchange -ay, mkfs, sync, one change of tags, sync, mount',
  publish: 'mount --bind',
  unpublish: 'umount',
  unstage: 'umount, lvchange -an',
  'stage-again': 'lvchange -ay, mount',
}

/** The first stage looks at the volume, writes its tags twice and reads them back: as much again as the work itself. */
const GOALS: Readonly<Record<Call, number>> = {
  'stage-first': 2,
  publish: 1.5,
  unpublish: 1.5,
  unstage: 1.5,
  'stage-again': 1.5,
}

export const callFigures = ({ plugin, bare }: Calls): readonly Figure[] =>
  CALLS.map((call) => {
    const calls = plugin.map((life) => life[call])
    const callMs = median(calls.map(({ ms }) => ms))
    const bareMs = median(bare.map((times) => times[call]))
    return {
      name: `csi/${call}`,
      ratio: callMs / bareMs,
      goal: { atMost: GOALS[call] },
      raw: { callMs, bareMs, ...breakdownOf(calls), rounds: calls.length },
      method: `median of ${calls.length} calls of the plugin over its socket, for ext4 of 1 GiB, over bash doing ${SCRIPTS[call]}, in turns; the parts of callMs are medians of their own`,
    }
  })
