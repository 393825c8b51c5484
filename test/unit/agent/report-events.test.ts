import { expect } from 'chai'
import { conditionsFor, type Facts } from '../../../agent/conditions.ts'
import { eventsOf } from '../../../agent/report-events.ts'
import type { NodeLocalStorage } from '../../../crd/types.ts'

type Status = NonNullable<NodeLocalStorage['status']>
type Disk = NonNullable<Status['disks']>[number]

const status = (change: Partial<Facts> = {}, disks: Disk[] = []): Status => ({
  disks,
  conditions: conditionsFor(
    {
      ...{ groupName: 'loam-fast', problem: undefined, disks: undefined, unclaimed: [], degraded: [] },
      ...change,
    },
    { previous: [], generation: 1, time: 'now' },
  ),
})
const problem = (reason: string, message = 'do this') => ({ problem: { reason, message } })
const told = (before: Status | undefined, after: Status): string[] =>
  eventsOf(before, after).map(({ type, reason }) => `${type} ${reason}`)
const disk = (state: Disk['state'], reason: string): Disk => ({ path: '/dev/sda', state, reason })

describe('agent/report-events', () => {
  it('are none when nothing changed, or only a text did', () => {
    expect(told(status(), status())).to.deep.equal([])
    const faulty = status(problem('DisksMissing', 'one of two'), [disk('Missing', 'NotThere')])
    const still = status(problem('DisksMissing', 'two of two'), [disk('Missing', 'NotThere')])
    expect(told(faulty, still)).to.deep.equal([])
  })

  it('tell the first time that a group is ready, or why it is not, and of each refused disk', () => {
    expect(told(undefined, status({}, [disk('Accepted', 'Member')]))).to.deep.equal([
      'Normal VolumeGroupReady',
    ])
    expect(told(undefined, status(problem('NoUsableDisk'), [disk('Refused', 'Signature')]))).to.deep.equal([
      'Warning NoUsableDisk',
      'Warning DiskRefused',
    ])
  })

  it('tell a fault once, when it comes, when it becomes another one, and when it ends', () => {
    const [well, missing, back] = [
      status(),
      status(problem('DisksMissing')),
      status(problem('MetadataWentBack')),
    ]
    expect(told(well, missing)).to.deep.equal(['Warning DisksMissing'])
    expect(told(missing, back)).to.deep.equal(['Warning MetadataWentBack'])
    expect(told(back, well)).to.deep.equal(['Normal VolumeGroupReady'])
  })

  it('tell what does not touch readiness, too', () => {
    const left = status({ unclaimed: ['pvc-1'] })
    expect(told(status(), left)).to.deep.equal(['Warning NoPersistentVolume'])
    expect(told(left, status())).to.deep.equal(['Normal AllClaimed'])
    expect(told(left, status({ unclaimed: ['pvc-1'], ...problem('Stuck') }))).to.deep.equal(['Warning Stuck'])
  })

  it('tell of what nobody could find out only when it is found to be a fault', () => {
    const open = (isKnown: boolean) =>
      status({
        ownNodeProblem: { isKnown, reason: isKnown ? 'PoliciesNotEnforced' : 'NotTried', message: '' },
      })
    expect(told(status(), open(false))).to.deep.equal([])
    expect(told(open(false), status())).to.deep.equal([])
    expect(told(open(false), open(true))).to.deep.equal(['Warning PoliciesNotEnforced'])
    expect(told(open(true), open(true))).to.deep.equal([])
    expect(told(open(true), status())).to.deep.equal(['Normal PoliciesEnforced'])
  })

  it('tell of a disk when it is refused for another reason, goes away, and comes back', () => {
    const [member, gone] = [disk('Accepted', 'Member'), disk('Missing', 'NotThere')]
    const of = (before: Disk, after: Disk): string[] => told(status({}, [before]), status({}, [after]))
    expect(of(disk('Refused', 'Signature'), disk('Refused', 'NotBlank'))).to.deep.equal([
      'Warning DiskRefused',
    ])
    expect(of(member, gone)).to.deep.equal(['Warning DiskMissing'])
    expect(of(gone, member)).to.deep.equal(['Normal DiskAccepted'])
    expect(of(disk('Accepted', 'Blank'), member)).to.deep.equal([])
  })
})
