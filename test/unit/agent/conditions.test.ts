import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect } from 'chai'
import { conditionsFor, isFault, type Condition, type Facts } from '../../../agent/conditions.ts'

const well: Facts = { groupName: 'loam-fast', problem: undefined, disks: [], unclaimed: [], degraded: [] }
const conditions = (
  change: Partial<Facts> = {},
  previous: readonly Condition[] = [],
  time = 'early',
): Condition[] => conditionsFor({ ...well, ...change }, { previous, generation: 3, time })
const valuesOf = (found: readonly Condition[]): Record<string, string> =>
  Object.fromEntries(found.map(({ type, status }) => [type, status]))
const problem = (reason: string) => ({ problem: { reason, message: `${reason}: do this` } })
const disk = (state: 'Accepted' | 'Refused' | 'Missing') => ({ path: '/dev/sda', state, message: 'because' })

const ALL_WELL = {
  Ready: 'True',
  ClassAccepted: 'True',
  Stuck: 'False',
  Frozen: 'False',
  VolumeGroupMade: 'True',
  DisksAccepted: 'True',
  VolumesUnclaimed: 'False',
  VolumesDegraded: 'False',
  ThinPoolsFull: 'False',
  OwnNodeOnly: 'True',
}

describe('agent/conditions', () => {
  it('are all there when all is well, and none of them is a fault', () => {
    expect(valuesOf(conditions())).to.deep.equal(ALL_WELL)
    expect(conditions().filter(isFault)).to.deep.equal([])
  })

  const cases: readonly [what: string, change: Partial<Facts>, expected: Record<string, string>][] = [
    [
      'a class with faulty parameters',
      problem('InvalidParameters'),
      { Ready: 'False', ClassAccepted: 'False' },
    ],
    ['a class that is gone', problem('ClassNotFound'), { Ready: 'False', ClassAccepted: 'False' }],
    ['a command that does not end', problem('Stuck'), { Ready: 'False', Stuck: 'True' }],
    ['a command of unknown outcome', problem('OutcomeUnknown'), { Ready: 'False', Stuck: 'True' }],
    ['missing disks', problem('DisksMissing'), { Ready: 'False', Frozen: 'True' }],
    ['metadata that went back in time', problem('MetadataWentBack'), { Ready: 'False', Frozen: 'True' }],
    ['a reason that is not known here', problem('SomethingNew'), { Ready: 'False', Frozen: 'True' }],
    ['no usable disk', problem('NoUsableDisk'), { Ready: 'False', VolumeGroupMade: 'False' }],
    ['a refused disk beside a good group', { disks: [disk('Refused')] }, { DisksAccepted: 'False' }],
    ['disks that could not be looked at', { disks: undefined }, { DisksAccepted: 'Unknown' }],
    [
      'RAID volumes that miss a leg',
      { degraded: [{ name: 'loam-fast/pvc-1', why: 'partial' }] },
      { VolumesDegraded: 'True' },
    ],
    [
      'a thin pool that is nearly full',
      { thinPoolProblem: { reason: 'ThinPoolNearFull', message: 'add a disk' } },
      { ThinPoolsFull: 'True' },
    ],
    [
      'policies that are not enforced',
      { ownNodeProblem: { isKnown: true, reason: 'PoliciesNotEnforced', message: 'apply them' } },
      { OwnNodeOnly: 'False' },
    ],
    [
      'policies that nobody could try yet',
      { ownNodeProblem: { isKnown: false, reason: 'NotTried', message: 'no answer' } },
      { OwnNodeOnly: 'Unknown' },
    ],
    ['too few disks for a layout', problem('TooFewDisks'), { Ready: 'False', VolumeGroupMade: 'False' }],
    [
      'a thin pool that is not ours',
      problem('ThinPoolUnusable'),
      { Ready: 'False', VolumeGroupMade: 'False' },
    ],
    ['no thin_check for a pool', problem('ThinCheckMissing'), { Ready: 'False', VolumeGroupMade: 'False' }],
    ['volumes that nobody has a claim on', { unclaimed: ['a'] }, { VolumesUnclaimed: 'True' }],
  ]
  for (const [what, change, expected] of cases) {
    it(`show ${what}, there and nowhere else`, () => {
      expect(valuesOf(conditions(change))).to.deep.equal({ ...ALL_WELL, ...expected })
    })
  }

  it('give the reason and the message of the problem in its own condition and in the summary', () => {
    const found = conditions(problem('DisksMissing')).filter(isFault)
    for (const { reason, message } of found)
      expect([reason, message]).to.deep.equal(['DisksMissing', 'DisksMissing: do this'])
    expect(found).to.have.length(2)
  })

  it('tell disks that are away from disks that are refused', () => {
    const reasonFor = (...states: ('Accepted' | 'Refused' | 'Missing')[]): string | undefined =>
      conditions({ disks: states.map(disk) }).find(({ type }) => type === 'DisksAccepted')?.reason
    expect(reasonFor('Accepted', 'Missing')).to.equal('DisksNotThere')
    expect(reasonFor('Refused', 'Missing')).to.equal('DisksNotUsed')
  })

  it('name the first volumes, and count the others', () => {
    const unclaimed = ['a', 'b', 'c', 'd', 'e', 'f', 'g']
    const found = conditions({ unclaimed }).find(({ type }) => type === 'VolumesUnclaimed')
    expect(found?.message).to.match(/^7 logical volumes .* a, b, c, d, e and 2 more; /)
  })

  it('keep the time of the last transition while the value stays, and answer to the generation', () => {
    const first = conditions(problem('DisksMissing'))
    const second = conditions(problem('MetadataWentBack'), first, 'late')
    const third = conditions({}, second, 'latest')
    const timeOf = (found: Condition[], type: string): string | undefined =>
      found.find((condition) => condition.type === type)?.lastTransitionTime
    expect(['Ready', 'Frozen', 'Stuck'].map((type) => timeOf(second, type))).to.deep.equal([
      'early',
      'early',
      'early',
    ])
    expect(['Ready', 'Frozen', 'Stuck'].map((type) => timeOf(third, type))).to.deep.equal([
      'latest',
      'latest',
      'early',
    ])
    expect(third.every(({ observedGeneration }) => observedGeneration === 3)).to.equal(true)
  })

  it('have reasons that the API server takes, and a line in the docs each', async () => {
    const docs = await readFile(join(import.meta.dirname, '../../../docs/node-local-storage.md'), 'utf8')
    const found = cases.filter(([, change]) => change.problem?.reason !== 'SomethingNew')
    for (const { type, reason } of [...conditions(), ...found.flatMap(([, change]) => conditions(change))]) {
      expect(reason).to.match(/^[A-Za-z]([A-Za-z0-9_,:]*[A-Za-z0-9_])?$/)
      expect(docs, `${type} ${reason}`).to.include(`\`${type}\``).and.to.include(`\`${reason}\``)
    }
  })
})
