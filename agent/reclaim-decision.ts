import { VOLUME_FINALIZER } from '../core/naming.ts'
import type { PersistentVolumeView } from './persistent-volume.ts'

/** The next step for a PersistentVolume, each of them safe to repeat. */
export type ReclaimDecision =
  | { readonly kind: 'keep'; readonly why: string }
  /** Send DELETE under preconditions: the compare-and-swap before any data dies. */
  | { readonly kind: 'delete' }
  /** Erase and remove the logical volume, then let the object go. */
  | { readonly kind: 'remove' }
  /** Let the object go; the logical volume stays. */
  | { readonly kind: 'letGo' }

const keep = (why: string): ReclaimDecision => ({ kind: 'keep', why })

/**
 * Decides from the object alone. Nobody else deletes a CSI volume's PersistentVolume for us: the control plane only
 * sets the phase Released (pv_controller.go, reclaimVolume without a deletable plugin).
 *
 * | deleting | phase    | policy | what                                             |
 * |----------|----------|--------|--------------------------------------------------|
 * | no       | Released | Delete | DELETE                                           |
 * | no       | other    | any    | nothing                                          |
 * | yes      | Bound    | any    | nothing: a claim still owns it                   |
 * | yes      | Released | Delete | remove the logical volume                        |
 * | yes      | Available| Delete | let the object go, keep the logical volume       |
 * | yes      | other    | Delete | nothing: it may yet be bound                     |
 * | yes      | not Bound| Retain | let the object go, keep the logical volume       |
 */
export const decideReclaim = (volume: PersistentVolumeView): ReclaimDecision => {
  if (volume.handle === undefined) return keep('it is not a volume of Loam')
  if (!volume.finalizers.includes(VOLUME_FINALIZER)) return keep('it does not carry our finalizer')
  const isReleased = volume.phase === 'Released'
  const dies = volume.reclaimPolicy === 'Delete'
  if (!volume.isBeingDeleted)
    return isReleased && dies
      ? { kind: 'delete' }
      : keep(`phase ${volume.phase}, policy ${volume.reclaimPolicy}`)
  if (volume.phase === 'Bound') return keep('it is being deleted while bound: it waits for its claim')
  // Available: no claim has let go of it, so nobody has said that its data may die.
  if (!dies || volume.phase === 'Available') return { kind: 'letGo' }
  return isReleased
    ? { kind: 'remove' }
    : keep(`it is being deleted in phase ${volume.phase}: it is not known to be released`)
}
