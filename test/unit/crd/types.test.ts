import { readFile } from 'node:fs/promises'
import { expect } from 'chai'
import { parse } from 'yaml'
import { LAYOUTS } from '../../../core/layout.ts'
import { MAX_NODE_NAME_LENGTH } from '../../../core/naming.ts'
import { NODE_LOCAL_STORAGES } from '../../../kube/resources.ts'
import { crdTypes, TYPES_FILE } from '../../../scripts/gen-crd-types.ts'

interface Schema {
  readonly description?: string
  readonly enum?: readonly string[]
  readonly maxLength?: number
  readonly properties?: Readonly<Record<string, Schema>>
  readonly items?: Schema
}

interface Definition {
  readonly metadata: { readonly name: string }
  readonly spec: {
    readonly group: string
    readonly scope: string
    readonly names: { readonly kind: string; readonly plural: string }
    readonly versions: readonly [
      { readonly name: string; readonly schema: { readonly openAPIV3Schema: Schema } },
    ]
  }
}

/** Every field below a schema, by its path. */
const fieldsOf = (schema: Schema, path: string): [string, Schema][] => [
  [path, schema],
  ...Object.entries(schema.properties ?? {}).flatMap(([name, field]) => fieldsOf(field, `${path}.${name}`)),
  ...(schema.items === undefined ? [] : fieldsOf(schema.items, `${path}[]`)),
]

describe('type of NodeLocalStorage', () => {
  let yaml: string
  let definition: Definition
  let fields: Map<string, Schema>

  before(async () => {
    yaml = await readFile(new URL('../../../crd/nodelocalstorages.yaml', import.meta.url), 'utf8')
    definition = parse(yaml) as Definition
    fields = new Map(fieldsOf(definition.spec.versions[0].schema.openAPIV3Schema, ''))
  })

  it('is what the YAML gives', async () => {
    expect(await readFile(TYPES_FILE, 'utf8')).to.equal(await crdTypes(yaml))
  })

  it('follows the YAML when that changes', async () => {
    const types = await crdTypes(yaml.replaceAll('largestVolume', 'biggestVolume'))
    expect(types).to.contain('biggestVolume: string').and.not.contain('largestVolume')
  })

  it('lists the layouts of the domain', () => {
    expect(fields.get('.spec.layout')?.enum).to.deep.equal([...LAYOUTS])
    expect(fields.get('.spec.nodeName')?.maxLength).to.equal(MAX_NODE_NAME_LENGTH)
  })

  it('is addressed as the kube room addresses it', () => {
    const { group, names, scope, versions } = definition.spec
    const type = { group, kind: names.kind, plural: names.plural, version: versions[0].name }
    expect({ ...type, namespaced: scope === 'Namespaced' }).to.deep.equal(NODE_LOCAL_STORAGES)
    expect(definition.metadata.name).to.equal(`${names.plural}.${group}`)
  })

  it('describes every field', () => {
    const bare = [...fields].filter(([path, { description }]) => path !== '.metadata' && !description)
    expect(bare.map(([path]) => path)).to.deep.equal([])
  })
})
