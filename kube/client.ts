import { NotFound } from './errors.ts'
import { listPages } from './list.ts'
import { apiVersionOf, collectionPath, describeObject, objectPath } from './paths.ts'
import type { ApiRequest, Transport } from './transport.ts'
import type {
  CreateOptions,
  KubeClient,
  KubeObject,
  ObjectName,
  PatchOptions,
  ResourceType,
} from './types.ts'

const PATCH_CONTENT_TYPES: Readonly<Record<PatchOptions['type'], string>> = {
  merge: 'application/merge-patch+json',
  json: 'application/json-patch+json',
  // JSON is YAML. The server takes no other name for it.
  apply: 'application/apply-patch+yaml',
}

const DRY_RUN = { dryRun: 'All' }

/** A controller owns what it applies: without `force` it would stop at a field that someone edited by hand. */
const patchQuery = ({ type, fieldManager, dryRun }: PatchOptions): Record<string, string> => ({
  ...(fieldManager === undefined ? {} : { fieldManager }),
  ...(type === 'apply' ? { force: 'true' } : {}),
  ...(dryRun === true ? DRY_RUN : {}),
})

const nameOf = (object: KubeObject): ObjectName => {
  const { namespace, name, generateName } = object.metadata
  return { ...(namespace === undefined ? {} : { namespace }), name: name ?? `${generateName ?? ''}…` }
}

const undefinedIfNotFound = async <T>(work: Promise<T>): Promise<T | undefined> => {
  try {
    return await work
  } catch (error) {
    if (error instanceof NotFound) return undefined
    throw error
  }
}

/** See KubeClient. */
export const createKubeClient = (transport: Transport): KubeClient => {
  const send = (request: Omit<ApiRequest, 'object'>, type: ResourceType, name: ObjectName) =>
    transport.json({ ...request, object: describeObject(type, name) })

  return {
    get: async <T extends KubeObject>(type: ResourceType, name: ObjectName) =>
      (await undefinedIfNotFound(send({ method: 'GET', path: objectPath(type, name) }, type, name))) as
        T | undefined,

    list: (type, options, each) => listPages(transport, { type, options, resume: true }, each),

    create: async <T extends KubeObject>(type: ResourceType, object: T, options: CreateOptions = {}) => {
      const body = { apiVersion: apiVersionOf(type), kind: type.kind, ...object }
      const path = collectionPath(type, object.metadata.namespace)
      const query = options.dryRun === true ? DRY_RUN : {}
      return (await send({ method: 'POST', path, query, body }, type, nameOf(object))) as T
    },

    patch: async <T extends KubeObject>(
      type: ResourceType,
      name: ObjectName,
      patch: unknown,
      options: PatchOptions,
    ) => {
      const path = objectPath(type, name, options.subresource)
      const contentType = PATCH_CONTENT_TYPES[options.type]
      const query = patchQuery(options)
      return (await send({ method: 'PATCH', path, query, contentType, body: patch }, type, name)) as T
    },

    delete: async (type, name, preconditions) => {
      const body = { apiVersion: 'v1', kind: 'DeleteOptions', preconditions }
      const answer = send({ method: 'DELETE', path: objectPath(type, name), body }, type, name)
      return (await undefinedIfNotFound(answer)) !== undefined
    },
  }
}
