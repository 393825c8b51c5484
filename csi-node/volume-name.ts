import { createHash } from 'node:crypto'

import { volumeNameForClaim } from '../core/naming.ts'

const PROVISIONER_NAME = /^pvc-([0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})$/
/** A DNS subdomain, which may stand in a tag as it is. */
const OBJECT_NAME = /^[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?$/
/** What external-provisioner adds with --extra-create-metadata. */
const CLAIM_NAMESPACE = 'csi.storage.k8s.io/pvc/namespace'
const CLAIM_NAME = 'csi.storage.k8s.io/pvc/name'

/** How a volume that a CSI caller named is known to LVM: the name itself may hold whatever LVM does not allow. */
export interface VolumeNames {
  readonly name: string
  readonly claimUid: string
  readonly claimNamespace: string
  readonly claimName: string
}

/** A UUID that is the same for the same text, and for no other: version 8 of RFC 9562, from SHA-256. */
const uuidOf = (text: string): string => {
  const bytes = createHash('sha256').update(text).digest().subarray(0, 16)
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x80
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80
  return bytes.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5')
}

const readable = (name: string): string => name.replace(/[^A-Za-z0-9_.-]/g, '-').slice(0, 128)

/**
 * Names for the volume of a CreateVolume request: the same for the same `name`, so that a repeated request meets its own
 * volume (CSI specification, CreateVolume: idempotent by name). external-provisioner's `pvc-<UID>` stays as it is.
 */
export const volumeNamesFor = (name: string, parameters: Readonly<Record<string, string>>): VolumeNames => {
  const claimUid = PROVISIONER_NAME.exec(name)?.[1] ?? uuidOf(name)
  const [namespace = '', claim = ''] = [parameters[CLAIM_NAMESPACE], parameters[CLAIM_NAME]]
  const isNamed = OBJECT_NAME.test(namespace) && OBJECT_NAME.test(claim)
  return {
    name: volumeNameForClaim(claimUid),
    claimUid,
    claimNamespace: isNamed ? namespace : 'csi',
    claimName: isNamed ? claim : readable(name),
  }
}
