import { makeFileSystemCommand } from '../../../lvm/file-system.ts'
import { emptyGroup, MIB, run } from '../../node/lvm/fixture.ts'
import type { Figure } from '../report.ts'
import { median } from '../statistics.ts'
import { bash, createLine, prologue } from '../lvm/bare.ts'
import { startPlugin, type Plugin } from './plugin.ts'

const FIO_VOLUME_BYTES = 512n * MIB
const AREA = '128m'
/** Short, so that claim and bare volume meet the same moments of a busy machine. */
const SECONDS = 5
const BARE_MOUNT = '/run/bench-bare'
const POD = 'pod'

const FIO_CONTENTS = ['ext4', 'block'] as const
type Content = (typeof FIO_CONTENTS)[number]
const WORKLOADS = ['randread', 'randwrite'] as const
type Workload = (typeof WORKLOADS)[number]

/** Operations a second of one round: of the claim, and of the bare volume beside it. */
interface Pair {
  readonly claim: number
  readonly bare: number
}

export interface FioRound {
  readonly content: Content
  readonly workload: Workload
  readonly pair: Pair
}

interface FioReport {
  readonly jobs: readonly {
    readonly error: number
    readonly read: { readonly iops: number }
    readonly write: { readonly iops: number }
  }[]
}

/** Operations a second in the report of one job (`--output-format=json`). @throws Error when the job failed or did nothing */
export const iopsOf = (report: string): number => {
  const { jobs } = JSON.parse(report) as FioReport
  const [job] = jobs
  const iops = (job?.read.iops ?? 0) + (job?.write.iops ?? 0)
  if (job?.error === 0 && iops > 0) return iops
  throw new Error(`fio measured nothing, its error is ${job?.error ?? 'not told'}`)
}

const fio = (file: string, ...options: readonly string[]): Promise<string> =>
  run(
    'fio',
    ...['--name=bench', '--thread', `--filename=${file}`, `--size=${AREA}`, '--direct=1', '--ioengine=psync'],
    ...['--output-format=json', ...options],
  )

/** The area has its blocks from here on, so that no measured write allocates one. */
const fill = (file: string): Promise<string> => fio(file, '--rw=write', '--bs=1m', '--end_fsync=1')

const measureOnce = async (file: string, workload: Workload): Promise<number> => {
  await run('sync')
  return iopsOf(await fio(file, `--rw=${workload}`, '--bs=4k', `--runtime=${SECONDS}`, '--time_based'))
}

/** What the pod of a claim sees: a file in its directory, or its device. */
const claimFile = async (plugin: Plugin, content: Content): Promise<string> => {
  const volume = await plugin.make(content, FIO_VOLUME_BYTES)
  await volume.stage()
  await volume.publish(POD)
  const target = volume.target(POD)
  return content === 'block' ? target : `${target}/data`
}

/** The same without Loam: a logical volume, and the same mkfs and mount where there is a file system. */
const bareFile = async (disk: string, { group }: Plugin, content: Content): Promise<string> => {
  const name = `bare-${content}`
  const device = `/dev/${group.name}/${name}`
  const mkfs = makeFileSystemCommand('ext4', device)
  await bash(
    [
      prologue(disk),
      createLine(group, name, FIO_VOLUME_BYTES / group.extentSizeBytes),
      `must lvm lvchange --config "$view" -ay -- ${group.name}/${name}`,
    ].join('\n'),
  )
  if (content === 'block') return device
  await run(mkfs.file, ...mkfs.args)
  await run('mkdir', '-p', BARE_MOUNT)
  await run('mount', device, BARE_MOUNT)
  return `${BARE_MOUNT}/data`
}

/** Who begins changes with each round, so that a machine that becomes slower does not favour one of them. */
const measurePair = async (
  files: { readonly claim: string; readonly bare: string },
  workload: Workload,
  round: number,
): Promise<Pair> => {
  if (round % 2 === 0) {
    const claim = await measureOnce(files.claim, workload)
    return { claim, bare: await measureOnce(files.bare, workload) }
  }
  const bare = await measureOnce(files.bare, workload)
  return { claim: await measureOnce(files.claim, workload), bare }
}

/** In the guest: fio on published claims and on bare volumes of the same group, in turns. */
export const measureFio = async (disk: string, rounds: number): Promise<readonly FioRound[]> => {
  const plugin = await startPlugin(disk)
  const measured: FioRound[] = []
  for (const content of FIO_CONTENTS) {
    const files = {
      claim: await claimFile(plugin, content),
      bare: await bareFile(disk, plugin, content),
    }
    await fill(files.claim)
    await fill(files.bare)
    for (let round = 0; round < rounds; round++)
      for (const workload of WORKLOADS)
        measured.push({ content, workload, pair: await measurePair(files, workload, round) })
  }
  await plugin.close()
  await run('umount', BARE_MOUNT)
  await emptyGroup()
  return measured
}

export const fioFigures = (rounds: readonly FioRound[]): readonly Figure[] =>
  FIO_CONTENTS.flatMap((content) =>
    WORKLOADS.map((workload) => {
      const pairs = rounds
        .filter((round) => round.content === content && round.workload === workload)
        .map(({ pair }) => pair)
      return {
        name: `csi/fio-${content}-${workload}`,
        ratio: median(pairs.map(({ claim, bare }) => claim / bare)),
        goal: { atLeast: 0.99 },
        raw: {
          claimIops: median(pairs.map(({ claim }) => claim)),
          bareIops: median(pairs.map(({ bare }) => bare)),
          worstRatio: Math.min(...pairs.map(({ claim, bare }) => claim / bare)),
          rounds: pairs.length,
        },
        method: `median of ${pairs.length} ratios of fio ${workload}, 4 KiB, direct, one at a time, ${SECONDS} s over ${AREA}iB: a published ${content} claim over a bare logical volume of the same group${content === 'ext4' ? ' with the same file system' : ''}, in turns`,
      }
    }),
  )
