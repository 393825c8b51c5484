import { expect } from 'chai'
import { ClassReporter, type WhenToTell } from '../../../agent/class-reporter.ts'
import type { Findings } from '../../../agent/class-on-node.ts'
import type { ReportWriter } from '../../../agent/report-writer.ts'
import { silentLogger } from '../../../core/logger.ts'
import type { KubeClient } from '../../../kube/types.ts'
import type { NodeVolumes, VolumeGroup } from '../../../lvm/types.ts'
import { waiting } from '../scheduler/reckoned.ts'

const identity = { nodeName: 'node1', clusterId: 'c', namespace: 'loam-system' }
const EXTENT = 4n << 20n

const findings = (...freeRuns: number[]): Findings => {
  const free = freeRuns.reduce((sum, run) => sum + run, 0)
  const group: VolumeGroup = {
    ...{ name: 'loam-fast', uuid: 'g', sizeBytes: 1n << 30n, freeBytes: BigInt(free) * EXTENT, seqno: 1 },
    ...{ tags: [], extentSizeBytes: EXTENT, missingPhysicalVolumes: 0 },
    physicalVolumes: freeRuns.map((count, at) => ({
      ...{ uuid: `p${at}`, devicePath: `/dev/sd${at}`, sizeBytes: 1n << 30n, freeBytes: 0n, tags: [] },
      ...{ firstExtentAtBytes: 0n, missing: false, allocatable: true },
      freeRuns: [{ first: 0n, count: BigInt(count) }],
    })),
  }
  const state = {
    ...{ name: 'mirrored', nodeUid: 'n', generation: 1, disks: [], group, problem: undefined },
    storageClass: waiting('mirrored', { layout: 'raid1' }),
  }
  return { state, inventory: { groups: [group], volumes: [], unseen: [] } }
}

describe('agent/class-reporter', () => {
  /** What was written, in order. */
  let written: string[]
  let later: [name: string, afterMs: number][]
  let isLimited: boolean
  let reporter: ClassReporter
  const tellAt = (when: WhenToTell, ...freeRuns: number[]): Promise<void> =>
    reporter.tell('mirrored', when, () => Promise.resolve(findings(...freeRuns)))
  const tell = (...freeRuns: number[]): Promise<void> => tellAt('soon', ...freeRuns)

  beforeEach(async () => {
    written = []
    later = []
    isLimited = false
    const client = {
      patch: (_type: unknown, _key: unknown, { maximumVolumeSize }: { maximumVolumeSize: string }) => {
        written.push(`capacity ${maximumVolumeSize}`)
        return Promise.resolve({})
      },
    } as unknown as KubeClient
    const events = { record: () => undefined, flush: () => Promise.resolve() }
    const reports: Pick<ReportWriter, 'write'> = {
      write: (_findings, isNews) => {
        if (isLimited) return Promise.resolve({ againAfterMs: 500 })
        written.push(isNews === true ? 'report as news' : 'report')
        return Promise.resolve(undefined)
      },
    }
    const ports = { client, volumes: {} as NodeVolumes, events, log: silentLogger }
    reporter = new ClassReporter(ports, identity, reports as ReportWriter, (...args) => later.push(args))
    await tell(50, 50)
    written = []
  })

  it('tells the scheduler first of room that is taken', async () => {
    await tell(40, 40)
    expect(written).to.deep.equal(['capacity 156Mi', 'report'])
  })

  it('tells the scheduler of new room when the report is there that the extender reads', async () => {
    await tell(60, 60)
    expect(written).to.deep.equal(['report as news', 'capacity 236Mi'])
    isLimited = true
    await tell(70, 70)
    expect(written, 'the report waits').to.have.length(2)
    expect(later).to.deep.equal([['mirrored', 500]])
    isLimited = false
    await tell(70, 70)
    expect(written.slice(2)).to.deep.equal(['report as news', 'capacity 276Mi'])
  })

  it('waits for nothing before a claim is given back', async () => {
    isLimited = true
    await tellAt('now', 60, 60)
    expect(written).to.deep.equal(['capacity 236Mi'])
    expect(later, 'the report').to.have.length(1)
  })

  it('never leaves the scheduler with a number that is too high, whatever else has grown', async () => {
    isLimited = true
    await tell(45, 90)
    expect(written).to.deep.equal(['capacity 176Mi'])
  })

  it('tells the scheduler nothing twice, unless it is asked to', async () => {
    await tell(50, 50)
    await tellAt('always', 50, 50)
    expect(written).to.deep.equal(['report', 'capacity 196Mi', 'report'])
  })
})
