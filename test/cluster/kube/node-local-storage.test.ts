import { expect } from 'chai'
import { silentLogger } from '../../../core/logger.ts'
import { nodeLocalStorageName } from '../../../core/naming.ts'
import type { NodeLocalStorage } from '../../../crd/types.ts'
import { Invalid } from '../../../kube/errors.ts'
import { startReflector } from '../../../kube/reflector.ts'
import { NODE_LOCAL_STORAGES } from '../../../kube/resources.ts'
import { eventually, failureOf } from '../../support/eventually.ts'
import { CUSTOM_RESOURCE_DEFINITIONS, installDefinition, isTrue, type Definition } from './definition.ts'
import { useApiServer } from './fixture.ts'

interface Table {
  readonly columnDefinitions: readonly { readonly name: string; readonly priority: number }[]
  readonly rows: readonly { readonly cells: readonly unknown[] }[]
}

const storage = (nodeName: string): NodeLocalStorage => ({
  metadata: { name: nodeLocalStorageName('fast', nodeName) },
  spec: {
    nodeName,
    storageClassName: 'fast',
    volumeGroup: 'loam-fast',
    layout: 'linear',
    disks: [{ path: '/dev/disk/by-id/wwn-0x1' }, { path: '/dev/sdb' }],
  },
})

const STATUS: NonNullable<NodeLocalStorage['status']> = {
  observedGeneration: 1,
  lastReportTime: '2026-11-22T08:00:00Z',
  volumeGroup: {
    name: 'loam-fast',
    uuid: 'abcdef-0123-4567-89ab-cdef-0123-456789',
    size: '2040Mi',
    free: '1Gi',
    largestVolume: '1Gi',
    extentSize: '4Mi',
    volumes: 3,
    missingDisks: 0,
    seqno: 9_007_199_254_740_991,
    digest: 'd41d8cd98f00b204e9800998ecf8427e',
  },
  disks: [
    { path: '/dev/disk/by-id/wwn-0x1', id: 'wwn-0x1', size: '2Gi', state: 'Accepted' },
    { path: '/dev/sdb', state: 'Refused', reason: 'NotBlank', message: 'has an ext4 file system' },
  ],
  conditions: [
    {
      type: 'Ready',
      status: 'True',
      observedGeneration: 1,
      lastTransitionTime: '2026-11-22T08:00:00Z',
      reason: 'VolumeGroupReady',
      message: '',
    },
  ],
}

describe('NodeLocalStorage in a real API server', function () {
  this.timeout(30_000)
  const api = useApiServer()

  const create = (nodeName: string) => api.client.create(NODE_LOCAL_STORAGES, storage(nodeName))
  const patchSpec = (object: NodeLocalStorage, spec: object) =>
    api.client.patch<NodeLocalStorage>(
      NODE_LOCAL_STORAGES,
      { name: object.metadata.name ?? '' },
      { spec },
      { type: 'merge' },
    )
  const applyStatus = (object: NodeLocalStorage, status: object) =>
    api.client.patch<NodeLocalStorage>(
      NODE_LOCAL_STORAGES,
      { name: object.metadata.name ?? '' },
      { apiVersion: 'loam.storage/v1alpha1', kind: 'NodeLocalStorage', metadata: {}, status },
      { type: 'apply', subresource: 'status', fieldManager: 'loam-agent' },
    )

  before(async () => {
    const name = await installDefinition(api.client)
    const found = await api.client.get<Definition>(CUSTOM_RESOURCE_DEFINITIONS, name)
    expect(isTrue(found, 'NonStructuralSchema')).to.not.equal(true)
  })

  it('keeps every field of spec and status', async () => {
    const made = await create('kept')
    await applyStatus(made, STATUS)
    const read = await api.client.get<NodeLocalStorage>(NODE_LOCAL_STORAGES, {
      name: made.metadata.name ?? '',
    })
    expect(read?.spec).to.deep.equal(storage('kept').spec)
    expect(read?.status).to.deep.equal(STATUS)
  })

  it('shows node, class, group, sizes, volumes and readiness in a table', async () => {
    const made = await create('shown')
    await applyStatus(made, STATUS)
    const name = made.metadata.name ?? ''
    const table = (await api.transport.json({
      method: 'GET',
      path: `/apis/loam.storage/v1alpha1/nodelocalstorages/${name}`,
      accept: 'application/json;as=Table;v=v1;g=meta.k8s.io',
      object: 'table',
    })) as Table
    const atAGlance = table.columnDefinitions.filter(({ priority }) => priority === 0)
    const columns = ['Name', 'Node', 'Class', 'VG', 'Size', 'Free', 'Volumes', 'Ready', 'Reason', 'Age']
    expect(atAGlance.map((column) => column.name)).to.deep.equal(columns)
    const wide = table.columnDefinitions.filter(({ priority }) => priority !== 0)
    expect(wide.map((column) => column.name)).to.deep.equal(['Largest', 'Reported', 'Message'])
    const shown = new Map(
      table.columnDefinitions.map((column, index) => [column.name, table.rows[0]?.cells[index]]),
    )
    const row = [name, 'shown', 'fast', 'loam-fast', '2040Mi', '1Gi', 3, 'True', 'VolumeGroupReady']
    expect(columns.slice(0, -1).map((column) => shown.get(column))).to.deep.equal(row)
    expect(shown.get('Largest')).to.equal('1Gi')
  })

  it('refuses to move to another node or class', async () => {
    const made = await create('fixed')
    const moved = await failureOf(patchSpec(made, { nodeName: 'other' }), Invalid)
    expect(moved.message).to.match(/spec\.nodeName.*never changes/)
    const renamed = await failureOf(patchSpec(made, { storageClassName: 'other' }), Invalid)
    expect(renamed.message).to.match(/spec\.storageClassName.*never changes/)
  })

  it('takes another disk, and refuses the same disk twice', async () => {
    const made = await create('grown')
    const disks = [...(made.spec.disks ?? []), { path: '/dev/sdc' }]
    expect((await patchSpec(made, { disks })).spec.disks).to.deep.equal(disks)
    const error = await failureOf(patchSpec(made, { disks: [...disks, { path: '/dev/sdc' }] }), Invalid)
    expect(error.message).to.contain('spec.disks[3]: Duplicate value')
  })

  const REFUSED: readonly { readonly what: string; readonly spec: object; readonly field: string }[] = [
    { what: 'an unknown layout', spec: { layout: 'raid7' }, field: 'spec.layout' },
    { what: 'a group name that LVM refuses', spec: { volumeGroup: '-x' }, field: 'spec.volumeGroup' },
    { what: 'a path outside /dev', spec: { disks: [{ path: '/etc/passwd' }] }, field: 'spec.disks[0].path' },
  ]
  for (const { what, spec, field } of REFUSED)
    it(`refuses ${what}, naming the field`, async () => {
      const object = { ...storage('refused'), spec: { ...storage('refused').spec, ...spec } }
      const error = await failureOf(api.client.create(NODE_LOCAL_STORAGES, object), Invalid)
      expect(error.message).to.contain(field)
    })

  it('refuses a size that is not a whole number of bytes', async () => {
    const made = await create('size')
    const status = { ...STATUS, volumeGroup: { ...STATUS.volumeGroup, free: '1.5Gi' } }
    const error = await failureOf(applyStatus(made, status), Invalid)
    expect(error.message).to.contain('status.volumeGroup.free')
  })

  it('keeps status out of reach of a write to the object', async () => {
    const made = await create('apart')
    await applyStatus(made, STATUS)
    const name = { name: made.metadata.name ?? '' }
    const patch = { status: { observedGeneration: 99 } }
    const patched = await api.client.patch<NodeLocalStorage>(NODE_LOCAL_STORAGES, name, patch, {
      type: 'merge',
    })
    expect(patched.status?.observedGeneration).to.equal(1)
  })

  it('lets an agent watch the objects of its own node only', async () => {
    const stopping = new AbortController()
    const store = startReflector<NodeLocalStorage, string>({
      transport: api.transport,
      type: NODE_LOCAL_STORAGES,
      options: { fieldSelector: 'spec.nodeName=mine' },
      project: ({ spec }) => spec.nodeName,
      log: silentLogger,
      signal: stopping.signal,
    })
    try {
      await store.synced
      await create('theirs')
      await create('mine')
      await eventually('the own object is heard of', () => [...store.entries()].length > 0)
      expect([...store.entries()].map(([, nodeName]) => nodeName)).to.deep.equal(['mine'])
    } finally {
      stopping.abort()
    }
  })
})
