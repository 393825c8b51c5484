import { expect } from 'chai'

import { mountPointsOf, parseMountInfo, parseSwaps } from '../../../lvm/mounts.ts'

const TABLE = `22 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw
36 22 254:0 / /var/lib/kubelet/a\\040b rw - ext4 /dev/mapper/loam-pvc ro,errors=remount-ro
37 22 0:45 / /mnt/data rw shared:2 master:1 - btrfs /dev/mapper/loam-other rw
`

describe('mounts', () => {
  it('reads the mount table', () => {
    expect(parseMountInfo(TABLE)[1]).to.deep.include({
      deviceNumber: '254:0',
      mountPoint: '/var/lib/kubelet/a b',
      fileSystemType: 'ext4',
      source: '/dev/mapper/loam-pvc',
      options: ['rw'],
      fileSystemOptions: ['ro', 'errors=remount-ro'],
    })
  })

  it('finds a device by its number, and btrfs by its name', () => {
    const mounts = parseMountInfo(TABLE)
    expect(mountPointsOf(mounts, { deviceNumber: '8:1', paths: [] })).to.deep.equal(['/'])
    expect(mountPointsOf(mounts, { deviceNumber: '254:1', paths: ['/dev/mapper/loam-other'] })).to.deep.equal(
      ['/mnt/data'],
    )
    expect(mountPointsOf(mounts, { deviceNumber: '8:2', paths: ['/dev/sda2'] })).to.deep.equal([])
  })

  it('fails on a line that it does not understand', () => {
    expect(() => parseMountInfo('36 22 254:0 /\n')).to.throw(/line not understood/)
  })

  it('reads swap space', () => {
    const text = 'Filename\t\t\t\tType\t\tSize\n/dev/sdb                                partition\t1024\n'
    expect(parseSwaps(text)).to.deep.equal(['/dev/sdb'])
    expect(parseSwaps('Filename Type\n')).to.deep.equal([])
  })
})
