import { TOPOLOGY_KEY } from '../../../core/naming.ts'
import { collectionPath, objectPath } from '../../../kube/paths.ts'
import type { KubeObject, ResourceType } from '../../../kube/types.ts'
import { OURS, THEIRS, type RawRequest } from './installed.ts'
import { claim, persistentVolume, PROVISIONER, SELECTED_NODE } from './objects.ts'

/** Every write is a dry run: admission decides, and nothing stays. */
const DRY_RUN = { dryRun: 'All' }

export const NEW_UID = '00000000-0000-4000-8000-000000000000'
/** UID of the claim whose volume is there, on each node. */
export const UIDS: Readonly<Record<string, string>> = {
  [OURS]: '11111111-1111-4111-8111-111111111111',
  [THEIRS]: '22222222-2222-4222-8222-222222222222',
}
export const volumeOf = (node: string) => persistentVolume(node, UIDS[node] ?? '')
export const claimOf = (node: string, name = `claim-of-${node}`) =>
  claim(name, { [SELECTED_NODE]: node, [PROVISIONER]: 'loam.storage', note: 'kept' })

/** One that has its volume, and asks for more. */
export const expandingClaimOf = (node: string) => ({
  ...claimOf(node, `expanding-on-${node}`),
  spec: { ...claimOf(node).spec, volumeName: 'some' },
})

export const create = (type: ResourceType, object: KubeObject): RawRequest => ({
  method: 'POST',
  path: collectionPath(type, object.metadata.namespace),
  query: DRY_RUN,
  body: object,
})
const pathOf = (type: ResourceType, { metadata: { namespace, name = '' } }: KubeObject, subresource = '') =>
  objectPath(type, { ...(namespace === undefined ? {} : { namespace }), name }, subresource)
export const merge = (
  type: ResourceType,
  object: KubeObject,
  body: unknown,
  subresource = '',
): RawRequest => ({
  method: 'PATCH',
  path: pathOf(type, object, subresource),
  query: DRY_RUN,
  contentType: 'application/merge-patch+json',
  body,
})
export const json = (type: ResourceType, object: KubeObject, body: readonly unknown[]): RawRequest => ({
  ...merge(type, object, body),
  contentType: 'application/json-patch+json',
})
/** Server-side apply; of an object that is not there, it makes it. */
export const apply = (
  type: ResourceType,
  object: KubeObject,
  body: KubeObject,
  subresource = '',
): RawRequest => ({
  ...merge(type, object, body, subresource),
  query: { ...DRY_RUN, fieldManager: 'policy-test', force: 'true' },
  contentType: 'application/apply-patch+yaml',
})
export const remove = (type: ResourceType, object: KubeObject): RawRequest => ({
  method: 'DELETE',
  path: pathOf(type, object),
  query: DRY_RUN,
})

export const named = (object: KubeObject, more: object = {}) => {
  const { apiVersion, kind, metadata } = object
  const { name, namespace } = metadata
  return { apiVersion, kind, metadata: { name, namespace }, ...more } as KubeObject
}
export const withMetadata = <T extends KubeObject>(object: T, more: object): T => ({
  ...object,
  metadata: { ...object.metadata, ...more },
})

export const noSelection = { metadata: { annotations: { [SELECTED_NODE]: null } } }
export const counted = { series: { count: 2, lastObservedTime: '2026-01-01T00:01:00.000000Z' } }

export const owner = { apiVersion: 'v1', kind: 'Node', name: OURS, uid: 'u' }
export const isIn = (...values: string[]) => ({ key: TOPOLOGY_KEY, operator: 'In', values })
