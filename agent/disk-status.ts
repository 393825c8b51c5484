import { formatQuantity, parseQuantity } from '../core/quantity.ts'
import type { NodeLocalStorage } from '../crd/types.ts'
import type { DiskVerdict, ListedDisk, RecordedDisk } from '../lvm/types.ts'

type DiskStatus = NonNullable<NonNullable<NodeLocalStorage['status']>['disks']>[number]
type DiskSpec = NonNullable<NodeLocalStorage['spec']['disks']>[number]

const acceptedOf = (recorded: RecordedDisk | undefined): Pick<DiskStatus, 'accepted'> =>
  recorded === undefined
    ? {}
    : {
        accepted: {
          ...(recorded.id === '' ? {} : { id: recorded.id }),
          size: formatQuantity(recorded.sizeBytes),
          physicalVolumeUUID: recorded.physicalVolumeUuid,
        },
      }

const statusOf = (disk: DiskVerdict): DiskStatus => ({
  path: disk.path,
  ...(disk.id === '' ? {} : { id: disk.id }),
  size: formatQuantity(disk.sizeBytes),
  state: disk.state,
  reason: disk.reason,
  message: disk.message,
  ...acceptedOf(disk.recorded),
})

/**
 * What is shown of the disks. While none was looked at, because the class is gone or cannot be read, what was shown
 * before stays: it says which disks were accepted.
 */
export const diskStatuses = (verdicts: readonly DiskVerdict[], existing: NodeLocalStorage): DiskStatus[] =>
  verdicts.length === 0 ? [...(existing.status?.disks ?? [])] : verdicts.map(statusOf)

/** What was written down about disks that were accepted. */
export const recordedDisks = (report: NodeLocalStorage): RecordedDisk[] =>
  (report.status?.disks ?? []).flatMap(({ path, accepted }) => {
    const sizeBytes = accepted === undefined ? undefined : parseQuantity(accepted.size)
    return accepted === undefined || sizeBytes === undefined
      ? []
      : [{ path, id: accepted.id ?? '', sizeBytes, physicalVolumeUuid: accepted.physicalVolumeUUID }]
  })

/** A disk as `spec.disks` lists it. */
export const listedDisk = ({ path, allowNonBlank, growTo }: DiskSpec): ListedDisk => {
  const growToBytes = growTo === undefined ? undefined : parseQuantity(growTo)
  return {
    path,
    ...(allowNonBlank === undefined ? {} : { allowNonBlank }),
    ...(growToBytes === undefined ? {} : { growToBytes }),
  }
}
