import { expect } from 'chai'
import { checkOptions } from '../../../lab/vm/options.ts'
import type { VmOptions } from '../../../lab/vm/types.ts'

const good: VmOptions = {
  name: 'node1',
  directory: '/srv/lab/node1',
  memoryMiB: 1024,
  disks: [
    { name: 'a', sizeBytes: 2 ** 30 },
    { name: 'b', sizeBytes: 2 ** 30 },
  ],
  drives: [{ file: '/srv/lab/kubelet.img', sizeBytes: 2 ** 30, mount: '/var/lib/kubelet' }],
  network: { namespace: 'lab', tap: 'tap0', address: '10.99.0.11/24', gateway: '10.99.0.1' },
}

const drive = { file: '/srv/d.img', sizeBytes: 2 ** 30, mount: '/d' }

describe('options of a virtual machine', () => {
  it('are accepted when they can work', () => {
    expect(() => checkOptions(good)).not.to.throw()
  })

  const refused: readonly [string, Partial<VmOptions>, string][] = [
    ['a name that is no host name', { name: 'Node_1' }, 'name "Node_1" is not a DNS label'],
    ['too little memory', { memoryMiB: 64 }, 'memoryMiB 64 is under 128'],
    [
      'a relative directory',
      { directory: 'lab' },
      'paths must be absolute, without space, comma, colon or quote: lab',
    ],
    ['a path with a space', { drives: [{ ...drive, file: '/my lab/d.img' }] }, 'quote: /my lab/d.img'],
    ['a path with a comma', { drives: [{ ...drive, base: '/a,b' }] }, 'quote: /a,b'],
    [
      'more drives than block devices',
      { drives: Array.from({ length: 8 }, () => drive) },
      '8 drives, but at most 7',
    ],
    ['a long disk name', { disks: [{ name: 'disk1', sizeBytes: 512 }] }, 'one letter from a to z'],
    ['the same disk twice', { disks: [good.disks, good.disks].flat() }, 'two disks have one name'],
    [
      'a size that is no whole number of sectors',
      { disks: [{ name: 'a', sizeBytes: 1000 }] },
      'multiple of 512 bytes',
    ],
    [
      'an address without prefix',
      { network: { ...good.network, address: '10.99.0.11' } },
      'not like 10.99.0.11/24',
    ],
  ]
  for (const [what, change, message] of refused)
    it(`refuse ${what}`, () => {
      expect(() => checkOptions({ ...good, ...change })).to.throw(message)
    })

  it('are refused with all faults at once', () => {
    expect(() => checkOptions({ ...good, name: '', memoryMiB: 1 })).to.throw(/name "".*; memoryMiB 1 /)
  })
})
