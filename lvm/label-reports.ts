import { proofOf, type DiskStates } from './disk-state.ts'
import type { Lvm } from './lvm.ts'
import { ProvenRead } from './proven-read.ts'
import { parseReport, reportCommand, type DeviceReport } from './report.ts'
import type { StuckWork } from './stuck-work.ts'

/**
 * What LVM finds on a disk when it sees that disk alone. It is asked again only when the headers on the disk are others
 * than they were. Whether volumes are active or open does not count here.
 */
export class LabelReports {
  readonly #tools: { readonly lvm: Lvm; readonly stuckDisks: StuckWork; readonly disks: DiskStates }
  readonly #reports = new Map<string, ProvenRead<DeviceReport>>()

  /** `stuckDisks` knows the disks, by path, that did not answer. */
  constructor(tools: { readonly lvm: Lvm; readonly stuckDisks: StuckWork; readonly disks: DiskStates }) {
    this.#tools = tools
  }

  /** @throws CommandFailed when LVM cannot read the disk, Stuck when an earlier read of it has not ended. */
  read(path: string): Promise<DeviceReport> {
    const report = this.#reports.get(path) ?? this.#reportOf(path)
    this.#reports.set(path, report)
    return report.fresh()
  }

  #reportOf(path: string): ProvenRead<DeviceReport> {
    const { lvm, stuckDisks, disks } = this.#tools
    return new ProvenRead(
      async () => proofOf(await disks.of([path])),
      async () => parseReport(await stuckDisks.watch(path, () => lvm.read(reportCommand, [path]))),
    )
  }
}
