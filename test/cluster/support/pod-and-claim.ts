import type { Lab } from '../../lab/lab.ts'
import { deleteClaim, findClaim, waitForNoPersistentVolume } from './claims.ts'
import { deletePod } from './pods.ts'

/** Removes a pod and the claim of the same name, and waits until the volume is gone: its space is free then. */
export const removePodAndClaim = async (lab: Lab, namespace: string, name: string): Promise<void> => {
  const volume = (await findClaim(lab, namespace, name))?.spec.volumeName ?? ''
  await deletePod(lab, namespace, name)
  await deleteClaim(lab, namespace, name)
  await waitForNoPersistentVolume(lab, volume)
}
