import { expect } from 'chai'

import { mountAt, readMountAt, readMounts } from '../../../csi-node/mount-table.ts'
import { mountsIn, parseMountInfo } from '../../../lvm/mounts.ts'

describe('readMounts', () => {
  it('reads the table of this machine', async () => {
    const mounts = await readMounts()
    expect(mounts.map(({ mountPoint }) => mountPoint)).to.include('/proc')
    expect(await readMountAt('/proc')).to.include({ fileSystemType: 'proc' })
    expect(await readMountAt('/proc/self')).to.equal(undefined)
  })

  it('gives the same mounts at a path, whether all are read or only those', () => {
    const lines = [
      '10 1 0:1 / / rw - overlay overlay rw',
      '11 10 0:1 / /m rw - tmpfs upper rw',
      '12 11 0:2 / /m rw shared:1 - tmpfs top rw',
      '13 10 0:3 / /a\\040b\\134 rw - tmpfs / rw',
      '14 10 0:4 /m /mm rw - ext4 /m rw',
    ]
    const text = `${lines.join('\n')}\n`
    for (const path of ['/', '/m', '/mm', '/a b\\', '/a\\040b\\134', 'rw', ''])
      expect(mountsIn(text, path), path).to.deep.equal(
        parseMountInfo(text).filter(({ mountPoint }) => mountPoint === path),
      )
    expect(mountsIn(text, '/m')).to.have.length(2)
    expect(mountsIn(text, '/a b\\')).to.have.length(1)
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
  const stack = [
    '10 1 0:1 / /m rw - tmpfs upper rw',
    '11 10 0:2 / /m rw - tmpfs top rw',
    '12 1 0:3 / /mm rw - tmpfs x rw',
  ]
  const table = stack.join('\n')

  it('gives the topmost of several mounts, in whatever order the table has them', () => {
    expect(mountAt(table, '/m')?.id).to.equal(11)
    expect(mountAt(stack.toReversed().join('\n'), '/m')?.id).to.equal(11)
  })

  it('takes neither a prefix nor a part of a path for the path', () => {
    expect(mountAt(table, '/')).to.equal(undefined)
    expect(mountAt(table, '/m/a')).to.equal(undefined)
  })
})
