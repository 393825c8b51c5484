import { volumeNameForClaim } from '../core/naming.ts'
import type { PersistentVolumeClaim } from '../kube/claim-view.ts'
import { Refused } from '../lvm/errors.ts'
import type { LogicalVolume } from '../lvm/types.ts'

/** What is known about a logical volume that is to die with its PersistentVolume. */
export interface RemovalFacts {
  /** Name of the PersistentVolume: any name, when a person or a backup tool made it. */
  readonly persistentVolume: string
  readonly found: LogicalVolume
  readonly clusterId: string
  /** Names of all PersistentVolumes that name this logical volume. */
  readonly namedBy: readonly string[]
  /** The claim that the logical volume was made for, if it is there. */
  readonly madeFor: PersistentVolumeClaim | undefined
}

/** A logical volume that is proven to be the PersistentVolume's, and nobody else's. */
export type Removable = LogicalVolume & { readonly record: NonNullable<LogicalVolume['record']> }

interface Objection {
  readonly what: string
  readonly advice: string
}

const KEEP =
  'to let the PersistentVolume go and keep the logical volume, set its persistentVolumeReclaimPolicy to Retain and ' +
  'delete it; status.unclaimedVolumes of the NodeLocalStorage then says what can be done'

const nameAll = (names: readonly string[]): string => names.map((name) => `"${name}"`).join(', ')

/** One reason each not to remove it; the first that speaks is told. */
const RULES: readonly ((facts: RemovalFacts) => Objection | undefined)[] = [
  ({ found: { record } }) =>
    record === undefined
      ? { what: 'its tags cannot be read: it is not known to be ours', advice: KEEP }
      : undefined,
  ({ found: { record }, clusterId }) =>
    record?.clusterId === clusterId
      ? undefined
      : {
          what: `it belongs to the cluster with id ${record?.clusterId}, this one has ${clusterId}`,
          advice: KEEP,
        },
  ({ found: { record, name } }) =>
    name === volumeNameForClaim(record?.claimUid ?? '')
      ? undefined
      : {
          what: `it is not named for the claim with UID ${record?.claimUid} that its tags name`,
          advice: KEEP,
        },
  ({ namedBy, persistentVolume }) => {
    const others = namedBy.filter((name) => name !== persistentVolume)
    return others.length === 0
      ? undefined
      : {
          what: `it is also named by PersistentVolume ${nameAll(others)}, whose data it may be`,
          advice: 'of these PersistentVolumes set all but the rightful one to Retain, and delete those',
        }
  },
  ({ found: { record }, madeFor, persistentVolume }) => {
    if (record === undefined || madeFor?.metadata.uid !== record.claimUid) return undefined
    const { volumeName = '' } = madeFor.spec
    // A claim that was bound to another volume while this one was made never had this one.
    if (
      volumeName !== '' &&
      volumeName !== persistentVolume &&
      volumeName !== volumeNameForClaim(record.claimUid)
    )
      return undefined
    const { claimNamespace, claimName } = record
    return {
      what: `PersistentVolumeClaim "${claimNamespace}/${claimName}", for which it was made, is still there`,
      advice: 'delete the claim first, or set the PersistentVolume to Retain',
    }
  },
]

/**
 * Whether a logical volume may be erased and removed for a PersistentVolume. The names that people give prove nothing: the
 * handle names the volume by LVM's UUIDs, its tags say whose it is, and no other PersistentVolume may count on it. Pure.
 *
 * @throws Refused with the reason, and what to do.
 */
export const requireRemovable = (facts: RemovalFacts): Removable => {
  const { found } = facts
  const objection = RULES.map((rule) => rule(facts)).find((each) => each !== undefined)
  const { record } = found
  if (objection === undefined && record !== undefined) return { ...found, record }
  const { what = '', advice = '' } = objection ?? {}
  throw new Refused(`logical volume "${found.groupName}/${found.name}"`, what, { advice })
}
