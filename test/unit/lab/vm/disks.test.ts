import { expect } from 'chai'
import { diskById, diskSerial } from '../../../lab/vm/disks.ts'

describe('names of disks', () => {
  it('are hexadecimal serial numbers, because LIO drops every other character', () => {
    expect(diskSerial('node1', 'a')).to.match(/^[0-9a-f]{32}$/)
  })

  it('are the same in every boot and differ between disks and VMs', () => {
    const names = ['node1', 'node2'].flatMap((vm) => ['a', 'b'].map((disk) => diskById(vm, disk)))
    expect(new Set(names).size).to.equal(4)
    expect(diskById('node1', 'a')).to.equal(names[0])
    expect(names[0]).to.match(/^\/dev\/disk\/by-id\/scsi-36001405[0-9a-f]{25}$/)
  })
})
