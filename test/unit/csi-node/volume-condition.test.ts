import { expect } from 'chai'

import { VolumeUsage_Unit as Unit } from '../../../csi-node/gen/csi.ts'
import { conditionFrom, type VolumeSigns } from '../../../csi-node/volume-condition.ts'

const HEALTHY: VolumeSigns = {
  mount: {
    ...{ id: 1, parentId: 0, deviceNumber: '253:0', mountPoint: '/x', source: '/dev/mapper/x' },
    ...{ fileSystemType: 'ext4', options: ['rw'], fileSystemOptions: ['rw'] },
  },
  usage: [
    { unit: Unit.BYTES, total: 100n, used: 40n, available: 60n },
    { unit: Unit.INODES, total: 10n, used: 4n, available: 6n },
  ],
  ext4Errors: 0,
  isSuspended: false,
}
const full = (unit: Unit) => [{ unit, total: 100n, used: 100n, available: 0n }]

describe('conditionFrom', () => {
  it('finds nothing wrong with a healthy volume, nor with one that a pod has read-only', () => {
    expect(conditionFrom(HEALTHY, 'fileSystem').abnormal).to.equal(false)
    const mount = { ...HEALTHY.mount, options: ['ro'] }
    expect(conditionFrom({ ...HEALTHY, mount }, 'fileSystem').abnormal).to.equal(false)
  })

  const signs: [string, Partial<VolumeSigns>, RegExp][] = [
    ['errors of ext4', { ext4Errors: 3 }, /ext4 has met 3 errors/],
    [
      'a file system that nobody can write',
      { mount: { ...HEALTHY.mount, fileSystemOptions: ['ro'] } },
      /ext4 is read-only/,
    ],
    [
      'a file system that met an error on a newer kernel',
      { mount: { ...HEALTHY.mount, fileSystemOptions: ['rw', 'errors=remount-ro', 'emergency_ro'] } },
      /ext4 is read-only/,
    ],
    ['no space', { usage: full(Unit.BYTES) }, /no space is left/],
    ['no inode', { usage: full(Unit.INODES) }, /no inode is left/],
    ['a suspended device', { isSuspended: true }, /has suspended/],
  ]
  for (const [what, change, message] of signs)
    it(`tells ${what}`, () => {
      const condition = conditionFrom({ ...HEALTHY, ...change }, 'fileSystem')
      expect(condition.abnormal).to.equal(true)
      expect(condition.message).to.match(message)
    })

  it('takes no sign from what is free in a block volume, which only its user knows', () => {
    expect(conditionFrom({ ...HEALTHY, usage: full(Unit.BYTES) }, 'block').abnormal).to.equal(false)
    expect(conditionFrom({ ...HEALTHY, isSuspended: true }, 'block').abnormal).to.equal(true)
  })
})
