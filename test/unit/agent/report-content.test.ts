import { expect } from 'chai'
import { isOnlyFuller, saysTheSame } from '../../../agent/report-content.ts'
import type { NodeLocalStorage } from '../../../crd/types.ts'

type Status = NonNullable<NodeLocalStorage['status']>
type Change = Partial<Omit<Status, 'volumeGroup'>> & { volumeGroup?: Partial<Status['volumeGroup']> }

const CONDITION = { type: 'Ready', status: 'True', reason: 'Ready', message: '' } as const

const report = ({ volumeGroup, ...change }: Change = {}): NodeLocalStorage => ({
  metadata: { name: 'fast.node1' },
  spec: { nodeName: 'node1', storageClassName: 'fast', volumeGroup: 'loam-fast', layout: 'linear' },
  status: {
    observedGeneration: 1,
    lastReportTime: '2026-01-01T00:00:00Z',
    volumeGroup: {
      ...{
        name: 'loam-fast',
        uuid: 'g',
        size: '1Gi',
        free: '800Mi',
        largestVolume: '600Mi',
        extentSize: '4Mi',
      },
      ...{ volumes: 3, missingDisks: 0, seqno: 7, digest: 'v1-0', ...volumeGroup },
    },
    disks: [],
    room: { disks: [{ runs: [150, 50] }], countedClaims: ['a'] },
    conditions: [{ ...CONDITION, lastTransitionTime: '2026-01-01T00:00:00Z' }],
    ...change,
  },
})

describe('agent/report-content', () => {
  it('takes no notice of the time, nor of claims that have left', () => {
    const later = report({
      lastReportTime: '2026-01-01T01:00:00Z',
      room: { disks: [{ runs: [150, 50] }], countedClaims: [] },
    })
    expect(saysTheSame(report(), later)).to.equal(true)
    expect(saysTheSame(report(), report({ room: { disks: [{ runs: [150] }] } }))).to.equal(false)
  })

  const fuller = { free: '700Mi', largestVolume: '500Mi', volumes: 4, seqno: 9, digest: 'v1-1' }
  const cases: readonly (readonly [what: string, change: Change, isOnlyFuller: boolean])[] = [
    ['a volume has come', { volumeGroup: fuller, room: { disks: [{ runs: [125, 50] }] } }, true],
    ['a volume of a thin pool', { thinPools: [{ name: 'p', size: '1Gi' } as never] }, true],
    ['more is free', { volumeGroup: { ...fuller, free: '801Mi' } }, false],
    ['a larger volume fits', { volumeGroup: { ...fuller, largestVolume: '601Mi' } }, false],
    ['the group has grown, and has nothing free', { volumeGroup: { ...fuller, size: '2Gi' } }, false],
    ['a disk went away', { volumeGroup: { ...fuller, missingDisks: 1 } }, false],
    ['another group has its name', { volumeGroup: { ...fuller, uuid: 'h' } }, false],
    ['a spec was seen', { volumeGroup: fuller, observedGeneration: 2 }, false],
    [
      'it is not ready',
      {
        conditions: [
          { ...CONDITION, status: 'False', reason: 'Why', lastTransitionTime: '2026-01-01T00:00:00Z' },
        ],
      },
      false,
    ],
  ]
  for (const [what, change, wanted] of cases)
    it(`${wanted ? 'can wait' : 'is news'}: ${what}`, () => {
      expect(isOnlyFuller(report(), report(change))).to.equal(wanted)
    })

  it('is news when there was no report', () => {
    expect(isOnlyFuller({ ...report(), status: undefined } as never, report())).to.equal(false)
  })
})
