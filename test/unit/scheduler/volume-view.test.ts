import { expect } from 'chai'
import { NODE_LABEL, TOPOLOGY_KEY, VOLUME_FINALIZER } from '../../../core/naming.ts'
import { viewVolume, type PersistentVolume } from '../../../scheduler/volume-view.ts'

const UUID = 'aaaaaa-bbbb-cccc-dddd-eeee-ffff-gggggg'
const only = (...values: string[]) => ({ key: TOPOLOGY_KEY, operator: 'In', values })
const affinity = (...terms: object[]) => ({ required: { nodeSelectorTerms: terms } }) as never

const volume = (
  metadata: PersistentVolume['metadata'] = {},
  spec: Partial<PersistentVolume['spec']> = {},
): PersistentVolume => ({
  metadata: { name: 'restored', uid: 'u', resourceVersion: '7', ...metadata },
  spec: {
    csi: { driver: 'loam.storage', volumeHandle: `${UUID}/${UUID}` },
    nodeAffinity: affinity({ matchExpressions: [only('node1')] }),
    ...spec,
  },
})

describe('scheduler/volume-view', () => {
  it('shows what lacks a mark, and the one node that it is pinned to', () => {
    const shown = { ...{ name: 'restored', uid: 'u', resourceVersion: '7' }, place: { nodeName: 'node1' } }
    expect(viewVolume(volume())?.unmarked).to.deep.equal({ ...shown, finalizers: [] })
    expect(viewVolume(volume({ labels: { [NODE_LABEL]: 'node1' } }))?.unmarked).to.deep.equal({
      ...shown,
      finalizers: [],
    })
    const wrong = { labels: { [NODE_LABEL]: 'node2' }, finalizers: [VOLUME_FINALIZER] }
    expect(viewVolume(volume(wrong))?.unmarked).to.deep.equal({ ...shown, finalizers: [VOLUME_FINALIZER] })
  })

  const dropped: [string, PersistentVolume][] = [
    ['has both marks', volume({ labels: { [NODE_LABEL]: 'node1' }, finalizers: [VOLUME_FINALIZER] })],
    ['is being deleted', volume({ deletionTimestamp: '2026-01-01T00:00:00Z' })],
    ['is of another driver', volume({}, { csi: { driver: 'other', volumeHandle: 'h' } })],
    ['is a local volume', { ...volume(), spec: {} }],
  ]
  for (const [what, object] of dropped)
    it(`drops what ${what}`, () => {
      expect(viewVolume(object)).to.equal(undefined)
    })

  const unclear: [string, Partial<PersistentVolume['spec']>, RegExp][] = [
    ['no affinity', { nodeAffinity: {} }, /does not name one node/],
    [
      'two nodes',
      { nodeAffinity: affinity({ matchExpressions: [only('node1', 'node2')] }) },
      /does not name one/,
    ],
    [
      'two terms',
      {
        nodeAffinity: affinity({ matchExpressions: [only('node1')] }, { matchExpressions: [only('node1')] }),
      },
      /does not name one/,
    ],
    [
      'a field beside',
      { nodeAffinity: affinity({ matchExpressions: [only('node1')], matchFields: [only('x')] }) },
      /does not name one/,
    ],
    [
      'another operator',
      { nodeAffinity: affinity({ matchExpressions: [{ ...only('node1'), operator: 'NotIn' }] }) },
      /does not name one/,
    ],
    [
      'a handle that is none',
      { csi: { driver: 'loam.storage', volumeHandle: 'vg/lv' } },
      /volumeHandle is "vg\/lv"/,
    ],
  ]
  for (const [what, spec, reason] of unclear)
    it(`says that the place is unclear: ${what}`, () => {
      const { place } =
        viewVolume(volume({ labels: { [NODE_LABEL]: 'node1' }, finalizers: [VOLUME_FINALIZER] }, spec))
          ?.unmarked ?? {}
      expect(place).to.have.property('unclear').match(reason)
    })

  const marked = { labels: { [NODE_LABEL]: 'node1' }, finalizers: [VOLUME_FINALIZER] }
  const available = (spec: Partial<PersistentVolume['spec']> = {}, phase = 'Available') => {
    const { metadata, spec: common } = volume(marked, {
      ...{ storageClassName: 'fast', capacity: { storage: '1Gi' }, accessModes: ['ReadWriteOnce'] },
      ...spec,
    })
    return viewVolume({ metadata, spec: common, status: { phase } })
  }

  it('shows what a claim may get, and which one', () => {
    const free = {
      ...{ name: 'restored', nodeName: 'node1', storageClassName: 'fast', capacityBytes: 1n << 30n },
      ...{ accessModes: ['ReadWriteOnce'], volumeMode: 'Filesystem', claimedBy: undefined },
    }
    expect(available()).to.deep.equal({ unmarked: undefined, free })
    const claimRef = { namespace: 'shop', name: 'cart' }
    expect(available({ claimRef })?.free).to.deep.equal({ ...free, claimedBy: 'shop/cart' })
  })

  it('offers none that is bound, or whose node is not certain', () => {
    expect(available({}, 'Bound')).to.equal(undefined)
    expect(available({ nodeAffinity: {} })?.free).to.equal(undefined)
  })
})
