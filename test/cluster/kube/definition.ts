import { readFile } from 'node:fs/promises'
import { parse } from 'yaml'
import { NODE_LOCAL_STORAGES } from '../../../kube/resources.ts'
import type { KubeClient, KubeObject, ObjectName, ResourceType } from '../../../kube/types.ts'
import { eventually } from '../../support/eventually.ts'

export const CUSTOM_RESOURCE_DEFINITIONS: ResourceType = {
  group: 'apiextensions.k8s.io',
  version: 'v1',
  plural: 'customresourcedefinitions',
  kind: 'CustomResourceDefinition',
  namespaced: false,
}
const YAML_FILE = new URL('../../../crd/nodelocalstorages.yaml', import.meta.url)

export interface Definition extends KubeObject {
  readonly status?: { readonly conditions?: readonly { readonly type: string; readonly status: string }[] }
}

/** Whether a condition of the definition is true. */
export const isTrue = (found: Definition | undefined, type: string): boolean | undefined =>
  found?.status?.conditions?.some((condition) => condition.type === type && condition.status === 'True')

/** Makes NodeLocalStorage known to an API server, and waits until it serves the kind. Gives the definition's name. */
export const installDefinition = async (client: KubeClient): Promise<ObjectName> => {
  const definition = parse(await readFile(YAML_FILE, 'utf8')) as Definition
  const made = await client.create(CUSTOM_RESOURCE_DEFINITIONS, definition)
  const name = { name: made.metadata.name ?? '' }
  await eventually('the definition is established', async () =>
    isTrue(await client.get<Definition>(CUSTOM_RESOURCE_DEFINITIONS, name), 'Established'),
  )
  // The server serves the kind a moment after it says so.
  await eventually('the kind is served', () =>
    client
      .list(NODE_LOCAL_STORAGES, {}, () => undefined)
      .then(
        () => true,
        () => false,
      ),
  )
  return name
}
