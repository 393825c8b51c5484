import { expect } from 'chai'
import { diskStatuses, listedDisk, recordedDisks } from '../../../agent/disk-status.ts'
import type { NodeLocalStorage } from '../../../crd/types.ts'
import type { DiskVerdict, RecordedDisk } from '../../../lvm/types.ts'

const recorded: RecordedDisk = {
  path: '/dev/a',
  id: 'naa.1',
  sizeBytes: 1n << 30n,
  physicalVolumeUuid: 'pv1',
}
const verdict: DiskVerdict = {
  path: '/dev/a',
  state: 'Refused',
  id: 'naa.2',
  sizeBytes: 2n << 30n,
  devicePath: '/dev/sda',
  reason: 'OtherDisk',
  message: 'leads to another disk',
  recorded,
}
const report = (disks?: ReturnType<typeof diskStatuses>): NodeLocalStorage => ({
  metadata: { name: 'fast.node1' },
  spec: { nodeName: 'node1', storageClassName: 'fast', volumeGroup: 'loam-fast', layout: 'linear' },
  ...(disks === undefined ? {} : { status: { disks } }),
})

describe('agent/disk-status', () => {
  it('shows what is there now, and keeps which disk was accepted', () => {
    expect(diskStatuses([verdict], report())).to.deep.equal([
      {
        path: '/dev/a',
        id: 'naa.2',
        size: '2Gi',
        state: 'Refused',
        reason: 'OtherDisk',
        message: 'leads to another disk',
        accepted: { id: 'naa.1', size: '1Gi', physicalVolumeUUID: 'pv1' },
      },
    ])
  })

  it('reads back what it wrote down, also of a disk without a number', () => {
    expect(recordedDisks(report(diskStatuses([verdict], report())))).to.deep.equal([recorded])
    const nameless = { ...recorded, id: '' }
    const written = diskStatuses([{ ...verdict, recorded: nameless }], report())
    expect(written[0]?.accepted).not.to.have.property('id')
    expect(recordedDisks(report(written))).to.deep.equal([nameless])
  })

  it('forgets nothing while no disk is looked at', () => {
    const before = diskStatuses([verdict], report())
    expect(diskStatuses([], report(before))).to.deep.equal(before)
  })

  it('has nothing written down about disks that were never accepted', () => {
    const { path, state, id, sizeBytes, devicePath, reason, message } = verdict
    const refused = { path, state, id, sizeBytes, devicePath, reason, message }
    expect(recordedDisks(report(diskStatuses([refused], report())))).to.deep.equal([])
  })

  it('reads what a person wants of a disk', () => {
    expect(listedDisk({ path: '/dev/a' })).to.deep.equal({ path: '/dev/a' })
    expect(listedDisk({ path: '/dev/a', allowNonBlank: 'naa.1', growTo: '2Gi' })).to.deep.equal({
      path: '/dev/a',
      allowNonBlank: 'naa.1',
      growToBytes: 2n << 30n,
    })
  })
})
