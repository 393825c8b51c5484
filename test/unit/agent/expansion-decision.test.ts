import { expect } from 'chai'

import { RESIZE_STATUSES, type ExpandingClaim } from '../../../agent/expanding-claim.ts'
import { decideExpansion, type ExpansionSituation } from '../../../agent/expansion-decision.ts'
import type { PersistentVolumeView } from '../../../agent/persistent-volume.ts'

const GIB = 1n << 30n

const CLAIM: ExpandingClaim = {
  ...{ namespace: 'ns', name: 'data', uid: 'u', resourceVersion: '7', phase: 'Bound', volumeName: 'pvc-u' },
  ...{ storageClassName: 'fast', isBlock: false, isBeingDeleted: false, requestBytes: 3n * GIB },
  ...{ capacityBytes: GIB, capacity: '1Gi', allocatedBytes: undefined, resizeStatus: 'none', conditions: [] },
}
const VOLUME: PersistentVolumeView = {
  ...{ name: 'pvc-u', uid: 'v', resourceVersion: '8', phase: 'Bound', reclaimPolicy: 'Delete' },
  ...{
    isBeingDeleted: false,
    finalizers: [],
    handle: { groupUuid: 'g', volumeUuid: 'v' },
    capacityBytes: GIB,
  },
  ...{ claim: { namespace: 'ns', name: 'data', uid: 'u' }, preResizeCapacity: undefined, mountOptions: [] },
}

/** What becomes of it: a size in GiB, or the kind of the decision. */
const outcome = (
  claim: Partial<ExpandingClaim>,
  volume: Partial<PersistentVolumeView> = {},
  wasRefused = false,
): number | string => {
  const decision = decideExpansion({
    claim: { ...CLAIM, ...claim },
    volume: { ...VOLUME, ...volume },
    wasRefused,
  })
  return decision.kind === 'expand' ? Number(decision.sizeBytes / GIB) : decision.kind
}

describe('agent/expansion-decision', () => {
  /** The request is for 3 GiB, the claim has 1 GiB; `allocated` and `volume` in GiB. */
  const rows: readonly {
    volume: number
    status: ExpandingClaim['resizeStatus']
    allocated?: number
    refused?: true
    pending?: true
    is: number | string
  }[] = [
    { volume: 1, status: 'none', is: 3 },
    { volume: 1, status: 'none', allocated: 2, is: 3 },
    { volume: 1, status: 'ControllerResizeInProgress', is: 3 },
    { volume: 1, status: 'ControllerResizeInProgress', allocated: 2, is: 2 },
    { volume: 1, status: 'ControllerResizeInProgress', allocated: 9, is: 9 },
    { volume: 1, status: 'ControllerResizeInProgress', allocated: 9, refused: true, is: 3 },
    { volume: 1, status: 'ControllerResizeInfeasible', allocated: 9, is: 3 },
    { volume: 1, status: 'ControllerResizeInfeasible', allocated: 3, is: 3 },
    { volume: 1, status: 'NodeResizePending', allocated: 2, is: 2 },
    { volume: 2, status: 'NodeResizePending', allocated: 2, is: 'ignore' },
    { volume: 2, status: 'NodeResizePending', is: 3 },
    { volume: 1, status: 'NodeResizeInProgress', allocated: 2, is: 2 },
    { volume: 2, status: 'NodeResizeInProgress', allocated: 2, is: 'ignore' },
    { volume: 2, status: 'NodeResizeInfeasible', allocated: 2, is: 2 },
    { volume: 2, status: 'NodeResizeInfeasible', is: 3 },
    { volume: 3, status: 'none', is: 3 },
    { volume: 3, status: 'none', pending: true, is: 'ignore' },
    { volume: 3, status: 'none', allocated: 3, pending: true, is: 3 },
    { volume: 3, status: 'ControllerResizeInProgress', allocated: 3, is: 3 },
    { volume: 4, status: 'ControllerResizeInProgress', allocated: 4, is: 4 },
    { volume: 3, status: 'ControllerResizeInProgress', is: 3 },
    { volume: 3, status: 'ControllerResizeInfeasible', allocated: 9, is: 9 },
    { volume: 3, status: 'ControllerResizeInfeasible', is: 3 },
    { volume: 3, status: 'NodeResizePending', allocated: 3, is: 'ignore' },
    { volume: 9, status: 'NodeResizeInProgress', allocated: 9, is: 'ignore' },
    { volume: 3, status: 'NodeResizeInfeasible', allocated: 3, is: 3 },
    { volume: 3, status: 'NodeResizeInfeasible', is: 3 },
  ]
  for (const { volume, status, allocated, refused = false, pending = false, is } of rows) {
    const begun = allocated === undefined ? 'nothing begun' : `${allocated} GiB begun`
    const more = `${refused ? ', refused' : ''}${pending ? ', file system pending' : ''}`
    it(`volume ${volume} GiB, ${status}, ${begun}${more}: ${is}`, () => {
      const claim: Partial<ExpandingClaim> = {
        resizeStatus: status,
        allocatedBytes: allocated === undefined ? undefined : BigInt(allocated) * GIB,
        conditions: pending ? [{ type: 'FileSystemResizePending' }] : [],
      }
      expect(outcome(claim, { capacityBytes: BigInt(volume) * GIB }, refused)).to.equal(is)
    })
  }

  it('has an answer for each status in each row', () => {
    const statuses = new Set(rows.map(({ volume, status }) => `${volume >= 3} ${status}`))
    expect(statuses.size).to.equal(2 * (RESIZE_STATUSES.length + 1))
  })

  it('says whether the claim knows already for which size it is', () => {
    const begun = (allocatedBytes: bigint | undefined) =>
      decideExpansion({ claim: { ...CLAIM, allocatedBytes }, volume: VOLUME, wasRefused: false })
    expect(begun(undefined)).to.include({ kind: 'expand', isBegun: false })
    expect(begun(2n * GIB)).to.include({ kind: 'expand', isBegun: false })
    expect(begun(3n * GIB)).to.include({ kind: 'expand', isBegun: true })
  })

  it('forgets the old size once the claim has all of its volume, and not before', () => {
    const noted = { preResizeCapacity: '1Gi', capacityBytes: 3n * GIB }
    expect(outcome({ capacityBytes: 3n * GIB }, noted)).to.equal('forgetOldSize')
    expect(outcome({ capacityBytes: 3n * GIB }, { ...noted, preResizeCapacity: undefined })).to.equal(
      'ignore',
    )
    expect(outcome({ capacityBytes: 3n * GIB }, { ...noted, capacityBytes: 4n * GIB })).to.equal('ignore')
    expect(outcome({ resizeStatus: 'NodeResizePending' }, noted)).to.equal('ignore')
  })

  const foreign: [string, Partial<ExpandingClaim>, Partial<PersistentVolumeView>][] = [
    ['a volume that is not of Loam', {}, { handle: undefined }],
    ['a volume that is being deleted', {}, { isBeingDeleted: true }],
    ['a volume that is released', {}, { phase: 'Released' }],
    ['a claim of the same name with another UID', { uid: 'other' }, {}],
    ['a claim that names another volume', { volumeName: 'pvc-other' }, {}],
    ['a claim that lost its volume', { phase: 'Lost' }, {}],
    ['a claim that is being deleted', { isBeingDeleted: true }, {}],
    ['a status of times to come', { resizeStatus: 'unknown' }, {}],
    ['a request that is no quantity', { requestBytes: undefined }, {}],
    ['a request that is served', { requestBytes: GIB }, {}],
  ]
  for (const [what, claim, volume] of foreign)
    it(`leaves alone ${what}`, () => expect(outcome(claim, volume)).to.equal('ignore'))

  it('leaves alone a volume without its claim', () => {
    const situation: ExpansionSituation = { claim: undefined, volume: VOLUME, wasRefused: false }
    expect(decideExpansion(situation).kind).to.equal('ignore')
  })
})
