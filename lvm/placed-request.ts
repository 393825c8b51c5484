import { describeLayout, type PlacedLayout } from '../core/layout.ts'
import { largestVolumeExtents, volumeExtents, type FreeDisk } from '../core/layout-size.ts'
import { NoSpace } from './errors.ts'
import { freeDisksOf, freeOnDisks } from './free-disks.ts'
import type { GroupReport } from './report.ts'
import type { CreateVolumeRequest } from './types.ts'

/** A volume whose extents are its own from the start. */
export type PlacedRequest = CreateVolumeRequest & { readonly layout: PlacedLayout }

/** For messages. */
export const nameOf = (request: CreateVolumeRequest): string =>
  `logical volume "${request.groupName}/${request.name}"`

/** What else is to be made with it: the disks as they are then, and the bytes that it takes. */
interface Beside {
  readonly disks: readonly FreeDisk[]
  readonly bytes: bigint
}

/** The error that says with numbers that a volume does not fit. */
export const noSpaceFor = (report: GroupReport, request: PlacedRequest, beside?: Beside): NoSpace => {
  const { layout, sizeBytes } = request
  const { extentSizeBytes } = report.group
  const disks = beside?.disks ?? freeDisksOf(report.group)
  return new NoSpace(nameOf(request), {
    layout: describeLayout(layout),
    requestedBytes: volumeExtents(layout, sizeBytes, extentSizeBytes) * extentSizeBytes,
    largestBytes: largestVolumeExtents(layout, disks) * extentSizeBytes,
    freeOnDisks: freeOnDisks(report.group),
    ...(beside === undefined ? {} : { besideBytes: beside.bytes }),
  })
}
