import { parseVolumeHandle, type VolumeHandle } from '../core/naming.ts'
import { InvalidField, UnknownVolume } from './errors.ts'

/** @throws InvalidField naming the first of the fields that is empty. */
export const requirePresent = (fields: Readonly<Record<string, string>>): void => {
  const missing = Object.entries(fields).find(([, value]) => value === '')
  if (missing !== undefined) throw new InvalidField(missing[0], 'it is missing')
}

/** @throws UnknownVolume when Loam never gave out such an id. */
export const requireHandle = (volumeId: string): VolumeHandle => {
  const handle = parseVolumeHandle(volumeId)
  if (handle !== undefined) return handle
  throw new UnknownVolume(
    volumeId,
    'no volume of Loam has such an id: one is "<volume group UUID>/<logical volume UUID>"',
    'correct volumeHandle of the PersistentVolume',
  )
}
