import { describeBytes } from '../core/quantity.ts'
import type { NodeLocalStorage } from '../crd/types.ts'
import type { EventRecorder, EventRequest, ObjectStore } from '../kube/types.ts'
import type { LogicalVolume } from '../lvm/types.ts'

/** Names that a message gives before it counts. */
const MAX_NAMED = 5

const named = ({ groupName, name, record, sizeBytes }: LogicalVolume): string =>
  `logical volume "${groupName}/${name}" (${describeBytes(sizeBytes)}), made for PersistentVolumeClaim ` +
  `"${record?.claimNamespace}/${record?.claimName}" and never used`

/** Tells people what becomes of volumes without owner: on the NodeLocalStorage objects of their groups. */
export class OrphanEvents {
  readonly #events: EventRecorder
  readonly #reports: ObjectStore<NodeLocalStorage>

  constructor(events: EventRecorder, reports: ObjectStore<NodeLocalStorage>) {
    this.#events = events
    this.#reports = reports
  }

  collected(volume: LogicalVolume): void {
    const message = `${named(volume)}, was removed: neither a claim nor a PersistentVolume wants it`
    this.#tell(volume.groupName, { type: 'Normal', reason: 'OrphanCollected', message })
  }

  failed(volume: LogicalVolume, why: string): void {
    const message = `${named(volume)}, is wanted by nobody and could not be removed; it is tried again: ${why}`
    this.#tell(volume.groupName, { type: 'Warning', reason: 'OrphanNotCollected', message })
  }

  held(volumes: readonly LogicalVolume[], why: string): void {
    for (const groupName of new Set(volumes.map((volume) => volume.groupName))) {
      const names = volumes.filter((volume) => volume.groupName === groupName).map(({ name }) => name)
      const more = names.length > MAX_NAMED ? ` and ${names.length - MAX_NAMED} more` : ''
      const message =
        `${names.length} logical volumes of volume group "${groupName}" were never used and are wanted by nobody: ` +
        `${names.slice(0, MAX_NAMED).join(', ')}${more}; ${why}. status.unclaimedVolumes has for each the command ` +
        'that removes it'
      this.#tell(groupName, { type: 'Warning', reason: 'OrphansHeld', message })
    }
  }

  #tell(groupName: string, event: Pick<EventRequest, 'type' | 'reason' | 'message'>): void {
    for (const [, { apiVersion, kind, metadata, spec }] of this.#reports.entries()) {
      if (spec.volumeGroup !== groupName) continue
      const { name = '', uid = '' } = metadata
      this.#events.record({
        ...event,
        action: 'Collect',
        regarding: { apiVersion: apiVersion ?? '', kind: kind ?? '', name, uid },
      })
    }
  }
}
