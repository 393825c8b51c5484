import { findBlockDevice } from './block-device.ts'
import { Refused } from './errors.ts'

/** A link may have been turned to another disk since the judging. @throws Refused when it was. */
export const confirmSameDisk = async (disk: {
  readonly path: string
  readonly deviceNumber: string
  readonly sizeBytes: bigint
}): Promise<void> => {
  const now = await findBlockDevice(disk.path)
  const same =
    'deviceNumber' in now && now.deviceNumber === disk.deviceNumber && now.sizeBytes === disk.sizeBytes
  if (!same) throw new Refused(`disk ${disk.path}`, 'leads to another device than a moment ago')
}
