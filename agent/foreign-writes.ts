import { randomUUID } from 'node:crypto'
import { agentLeaseName } from '../core/naming.ts'
import { Conflict, NotFound } from '../kube/errors.ts'
import { eventObject } from '../kube/event-object.ts'
import {
  CSI_STORAGE_CAPACITIES,
  EVENTS,
  LEASES,
  NODE_LOCAL_STORAGES,
  PERSISTENT_VOLUMES,
  PERSISTENT_VOLUME_CLAIMS,
} from '../kube/resources.ts'
import type { KubeClient, ObjectStore, PatchOptions } from '../kube/types.ts'
import type { ClaimView } from '../kube/claim-view.ts'
import type { Lease } from '../kube/lease.ts'
import { nodeLocalStorageFor } from './node-local-storage.ts'
import { persistentVolumeFor } from './persistent-volume.ts'
import type { Identity } from './ports.ts'
import { storageCapacityFor } from './storage-capacity.ts'

interface Means {
  readonly client: KubeClient
  readonly identity: Identity
  readonly claims: ObjectStore<ClaimView>
}

/** A write that no agent may do, by the policy that has to refuse it. */
interface ForeignWrite {
  readonly policy: string
  /** A dry run: whatever comes of it, nothing is written. Gives false when there is nothing to try it on. */
  readonly attempt: (means: Means) => Promise<boolean>
}

const DRY_RUN = { dryRun: true } as const
const CLASS = 'loam-own-node-check'
/** No Node should have this name: ".invalid" is reserved (RFC 2606). */
const NOWHERE = 'nowhere.invalid'

const elsewhere = (identity: Identity): Identity => ({ ...identity, nodeName: NOWHERE })

const foreignVolume = () =>
  persistentVolumeFor({
    claim: {
      ...{ uid: randomUUID(), namespace: 'default', name: CLASS },
      ...{ accessModes: ['ReadWriteOnce'], volumeMode: 'Filesystem' },
    },
    storageClass: { name: CLASS, mountOptions: [], reclaimPolicy: 'Retain' },
    parameters: { fileSystem: 'ext4', mkfsOptions: [] },
    volume: { handle: { groupUuid: CLASS, volumeUuid: CLASS }, sizeBytes: 1n << 20n },
    nodeName: NOWHERE,
  })

const foreignCapacity = (identity: Identity) =>
  storageCapacityFor({
    identity: elsewhere(identity),
    nodeUid: randomUUID(),
    storageClassName: CLASS,
    capacity: { sizeBytes: 0n, freeBytes: 0n, usableBytes: 0n, largestVolumeBytes: 0n, volumes: 0 },
  })

const foreignEvent = () =>
  eventObject(
    {
      ...{ type: 'Normal', reason: 'OwnNodeCheck', action: 'Check', message: 'never written' },
      regarding: { apiVersion: 'v1', kind: 'Node', name: NOWHERE, uid: randomUUID() },
    },
    { controller: 'loam.storage/agent', instance: NOWHERE },
    new Date(),
  )

const foreignLease = ({ namespace }: Identity): Lease => ({
  metadata: { namespace, name: agentLeaseName(NOWHERE) },
  spec: { holderIdentity: CLASS },
})

const done = async (work: Promise<unknown>): Promise<boolean> => {
  try {
    await work
    return true
  } catch (error) {
    // The claim is gone, or another one took its name.
    if (error instanceof NotFound || error instanceof Conflict) return false
    throw error
  }
}

/** An agent may change claims and make none, so it takes one that it knows. Where there is none, nothing is in danger. */
const labelClaim = async (
  { client, claims }: Means,
  how: Pick<PatchOptions, 'subresource'>,
): Promise<boolean> => {
  const [claim] = [...claims.entries()].map(([, each]) => each)
  if (claim === undefined) return false
  const patch = { metadata: { uid: claim.uid, labels: { [CLASS]: '' } } }
  // eslint-disable-next-line no-restricted-syntax -- a dry run changes nothing
  return done(client.patch(PERSISTENT_VOLUME_CLAIMS, claim, patch, { type: 'merge', ...how, ...DRY_RUN }))
}

/** One for each policy of daemonset/own-node. Each is valid in all else: what a schema refuses proves nothing. */
export const FOREIGN_WRITES: readonly ForeignWrite[] = [
  {
    policy: 'loam-agent-persistent-volumes',
    // eslint-disable-next-line no-restricted-syntax -- a dry run changes nothing
    attempt: ({ client }) => done(client.create(PERSISTENT_VOLUMES, foreignVolume(), DRY_RUN)),
  },
  { policy: 'loam-agent-persistent-volume-claims', attempt: (means) => labelClaim(means, {}) },
  {
    policy: 'loam-agent-persistent-volume-claims-status',
    attempt: (means) => labelClaim(means, { subresource: 'status' }),
  },
  {
    policy: 'loam-agent-storage-capacities',
    attempt: ({ client, identity }) =>
      done(client.create(CSI_STORAGE_CAPACITIES, foreignCapacity(identity), DRY_RUN)),
  },
  {
    policy: 'loam-agent-node-local-storages',
    attempt: ({ client, identity }) => {
      const parameters = { volumeGroup: CLASS, layout: { name: 'linear' } } as const
      const report = nodeLocalStorageFor(elsewhere(identity), CLASS, parameters, [])
      return done(client.create(NODE_LOCAL_STORAGES, report, DRY_RUN))
    },
  },
  {
    policy: 'loam-agent-events',
    attempt: ({ client }) => done(client.create(EVENTS, foreignEvent(), DRY_RUN)),
  },
  {
    policy: 'loam-agent-leases',
    attempt: ({ client, identity }) => done(client.create(LEASES, foreignLease(identity), DRY_RUN)),
  },
]
