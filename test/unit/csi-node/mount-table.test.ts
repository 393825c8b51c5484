import { expect } from 'chai'

import { mountAt, readMounts } from '../../../csi-node/mount-table.ts'
import { parseMountInfo } from '../../../lvm/mounts.ts'

describe('readMounts', () => {
  it('reads the table of this machine', async () => {
    expect(mountAt(await readMounts(), '/proc')).to.include({ fileSystemType: 'proc' })
  })

  it('gives options and the place in the tree', () => {
    expect(
      parseMountInfo('92 60 253:3 / /m rw,nosuid shared:5 - ext4 /dev/mapper/g-v rw\n')[0],
    ).to.deep.include({
      id: 92,
      parentId: 60,
      deviceNumber: '253:3',
      options: ['rw', 'nosuid'],
    })
  })
})

describe('mountAt', () => {
  const stack = parseMountInfo(
    [
      '10 1 0:1 / /m rw - tmpfs upper rw',
      '11 10 0:2 / /m rw - tmpfs top rw',
      '12 1 0:3 / /mm rw - tmpfs x rw',
    ].join('\n'),
  )

  it('gives the topmost of several mounts, in whatever order the table has them', () => {
    expect(mountAt(stack, '/m')?.id).to.equal(11)
    expect(mountAt(stack.toReversed(), '/m')?.id).to.equal(11)
  })

  it('takes neither a prefix nor a part of a path for the path', () => {
    expect(mountAt(stack, '/')).to.equal(undefined)
    expect(mountAt(stack, '/m/a')).to.equal(undefined)
  })
})
