import type { Figure } from '../report.ts'
import { median } from '../statistics.ts'
import { ownCpuSeconds } from '../lvm/cpu-time.ts'
import { startedSinceBoot } from '../lvm/idle.ts'
import type { TestVolume } from '../../node/csi-node/csi-fixture.ts'
import { activeVolumes, mountAll, POD } from './mounted.ts'
import { startPlugin, type Plugin } from './plugin.ts'

/** Node.js compiles what runs often: calls before it has are not of a node that runs for days. */
const WARM_UP_CALLS = 200
/** How often kubelet asks for each volume (volumeStatsAggPeriod). */
const PERIOD_SECONDS = 60

interface Asked {
  readonly volumes: number
  readonly callMs: readonly number[]
  readonly cpuSeconds: number
  readonly commands: number
  /** Processes and threads that the whole VM started meanwhile. */
  readonly startedInVm: number
}

export interface Stats {
  readonly few: Asked
  readonly many: Asked
  readonly probeMs: readonly number[]
}

const askOnce = async (volume: TestVolume): Promise<number> => {
  const start = performance.now()
  const { usage, volumeCondition } = await volume.stats(volume.target(POD))
  const took = performance.now() - start
  if (usage.length !== 2 || volumeCondition?.abnormal !== false)
    throw new Error(`volume ${volume.id}: ${JSON.stringify(volumeCondition)}`)
  return took
}

/** One call after another, `calls` of them, over these volumes again and again. */
const ask = async (plugin: Plugin, volumes: readonly TestVolume[], calls: number): Promise<Asked> => {
  const commandsBefore = plugin.commands.length
  const startedBefore = await startedSinceBoot()
  const cpuBefore = await ownCpuSeconds()
  const callMs: number[] = []
  while (callMs.length < calls)
    for (const volume of volumes.slice(0, calls - callMs.length)) callMs.push(await askOnce(volume))
  return {
    volumes: volumes.length,
    callMs,
    cpuSeconds: (await ownCpuSeconds()) - cpuBefore,
    commands: plugin.commands.length - commandsBefore,
    startedInVm: (await startedSinceBoot()) - startedBefore,
  }
}

const probe = async (plugin: Plugin, calls: number): Promise<readonly number[]> => {
  const callMs: number[] = []
  while (callMs.length < calls) {
    const start = performance.now()
    await plugin.probe()
    callMs.push(performance.now() - start)
  }
  return callMs
}

/** In the guest: stats of a few mounted volumes, then of many, as many calls of each. Leaves them mounted: it comes last. */
export const measureStats = async (
  disk: string,
  { few, many }: { readonly few: number; readonly many: number },
): Promise<Stats> => {
  const plugin = await startPlugin(disk)
  const volumes = await activeVolumes(disk, plugin, many)
  const first = volumes.slice(0, few)
  await mountAll(plugin, first)
  await ask(plugin, first, WARM_UP_CALLS)
  await probe(plugin, WARM_UP_CALLS)
  const askedFew = await ask(plugin, first, many)
  await mountAll(plugin, volumes.slice(few))
  const askedMany = await ask(plugin, volumes, many)
  const probeMs = await probe(plugin, many)
  await plugin.close()
  return { few: askedFew, many: askedMany, probeMs }
}

export const statsFigures = ({ few, many, probeMs: probes }: Stats): readonly Figure[] => {
  const calls = many.callMs.length
  const manyMs = median(many.callMs)
  const fewMs = median(few.callMs)
  const probeMs = median(probes)
  return [
    {
      name: 'csi/stats-call',
      ratio: manyMs / probeMs,
      goal: { atMost: 3 },
      raw: { manyMs, probeMs, volumes: many.volumes, calls },
      method: `median of ${calls} NodeGetVolumeStats over the socket, one after another, with ${many.volumes} volumes mounted (staged and published), over as many calls of Probe, which does nothing`,
    },
    {
      name: `csi/stats-at-${many.volumes}`,
      ratio: manyMs / fewMs,
      goal: { atMost: 2 },
      raw: {
        manyMs,
        fewMs,
        worstMs: Math.max(...many.callMs),
        volumes: many.volumes,
        few: few.volumes,
        calls,
      },
      method: `the same median with ${many.volumes} volumes mounted, over that with ${few.volumes}`,
    },
    {
      name: 'csi/stats-cpu',
      ratio: ((many.cpuSeconds / calls) * many.volumes * 100) / PERIOD_SECONDS,
      goal: { atMost: 10 },
      raw: { cpuSeconds: many.cpuSeconds, fewCpuSeconds: few.cpuSeconds, calls, volumes: many.volumes },
      method: `percent of the one core when kubelet asks for each of ${many.volumes} volumes once in ${PERIOD_SECONDS} s: user and system time of the process for these calls, the client's part included, which is in the same process`,
    },
    {
      name: 'csi/stats-commands',
      ratio: (few.commands + many.commands) / (2 * calls),
      goal: { atMost: 0 },
      raw: { commands: many.commands, startedInVm: many.startedInVm, calls },
      method: `commands that the plugin ran for a call; TopoLVM 2`,
    },
  ]
}
