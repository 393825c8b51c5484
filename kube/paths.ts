import type { ObjectName, ResourceType } from './types.ts'

const groupPath = ({ group, version }: ResourceType): string =>
  group === '' ? `/api/${version}` : `/apis/${group}/${version}`

/** `apiVersion` of an object of this type. */
export const apiVersionOf = ({ group, version }: ResourceType): string =>
  group === '' ? version : `${group}/${version}`

/** Path of all objects of a type; of a namespaced type, those of one namespace when it is given. */
export const collectionPath = (type: ResourceType, namespace?: string): string => {
  const inNamespace = namespace === undefined ? '' : `/namespaces/${encodeURIComponent(namespace)}`
  return `${groupPath(type)}${inNamespace}/${type.plural}`
}

/** @throws TypeError when the name has a namespace and the type none, or the other way round */
export const objectPath = (type: ResourceType, { namespace, name }: ObjectName, subresource = ''): string => {
  if (name === '' || (namespace === undefined) === type.namespaced)
    throw new TypeError(
      `${describeObject(type, { ...(namespace === undefined ? {} : { namespace }), name })} is not a complete name`,
    )
  return `${collectionPath(type, namespace)}/${encodeURIComponent(name)}${subresource === '' ? '' : `/${subresource}`}`
}

/** How messages name an object: `PersistentVolumeClaim "shop/cart"`. */
export const describeObject = (type: ResourceType, { namespace, name }: ObjectName): string =>
  `${type.kind} "${namespace === undefined ? '' : `${namespace}/`}${name}"`
