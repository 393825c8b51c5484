import { expect } from 'chai'
import { constants } from 'node:fs'
import { open, realpath, writeFile } from 'node:fs/promises'
import { basename } from 'node:path'
import { randomBytes } from 'node:crypto'

import {
  BIOS_BOOT,
  dropLoop,
  makeLoop,
  writeAt,
  writeBackupGptOnly,
  writeGpt,
  writeLuksHeader,
  writeMbr,
  writeZfsLabel,
} from './arrange.ts'
import {
  attachDisks,
  detachDisks,
  disk,
  ensure,
  GROUP,
  handMadeLvm,
  run,
  sha256,
  startNode,
  wipe,
  type Node,
} from './fixture.ts'

/** Undoes what holds the disk after the test; the wipe of every test does the rest. */
type Undo = () => Promise<unknown>
const nothing: Undo = () => Promise.resolve()

interface Canary {
  readonly name: string
  readonly reason: string
  /** Words that the admin needs in the message. */
  readonly says: RegExp
  readonly arrange: (path: string) => Promise<Undo | undefined>
}

const making =
  (...command: [string, ...string[]]) =>
  async (path: string): Promise<undefined> => {
    const [file, ...args] = command
    await run(file, ...args, path)
  }

const bytesAt =
  (offset: number, bytes: () => Buffer) =>
  async (path: string): Promise<undefined> => {
    await writeAt(path, offset, bytes())
  }

const MIB = 1024 * 1024

/** Every disk is read whole before and after each judgement. Enough for mkfs.btrfs; xfs has a disk of its own below. */
const SMALL_MIB = 128

const CANARIES: readonly Canary[] = [
  { name: 'ext4', reason: 'Signature', says: /ext4/, arrange: making('mkfs.ext4', '-q') },
  { name: 'btrfs', reason: 'Signature', says: /btrfs/, arrange: making('mkfs.btrfs', '-q') },
  { name: 'unused swap space', reason: 'Signature', says: /swap/, arrange: making('mkswap') },
  {
    name: 'LUKS',
    reason: 'Signature',
    says: /crypto_LUKS/,
    arrange: async (path) => (await writeLuksHeader(path), undefined),
  },
  {
    name: 'Ceph BlueStore',
    reason: 'Signature',
    says: /ceph_bluestore/,
    arrange: bytesAt(0, () => Buffer.from('bluestore block device\n')),
  },
  {
    name: 'a member of a ZFS pool',
    reason: 'Signature',
    says: /zfs_member \(its first byte that is not zero is byte 131072\)/,
    arrange: async (path) => (await writeZfsLabel(path), undefined),
  },
  {
    name: 'an empty GPT',
    reason: 'Signature',
    says: /gpt partition table/,
    arrange: async (path) => (await writeGpt(path, false), undefined),
  },
  {
    name: 'a GPT with a partition',
    reason: 'HasPartitions',
    says: /1 partition/,
    arrange: async (path) => (await writeGpt(path, true), undefined),
  },
  {
    name: 'only the backup of a GPT',
    reason: 'PartitionTable',
    says: /backup GPT/,
    arrange: async (path) => (await writeBackupGptOnly(path), undefined),
  },
  {
    name: 'an MBR with a partition',
    reason: 'HasPartitions',
    says: /1 partition/,
    arrange: async (path) => (await writeMbr(path, true), undefined),
  },
  {
    name: 'an MBR without partitions',
    reason: 'Signature',
    says: /dos partition table/,
    arrange: async (path) => (await writeMbr(path, false), undefined),
  },
  {
    name: 'random bytes at the start',
    reason: 'NotBlank',
    says: /byte 8192 is not zero/,
    arrange: bytesAt(8192, () => Buffer.concat([Buffer.from([1]), randomBytes(64 * 1024)])),
  },
  {
    name: 'data only in the middle',
    reason: 'NotBlank',
    says: /is not blank/,
    arrange: bytesAt(60 * MIB, () => randomBytes(16 * MIB)),
  },
  {
    name: 'one byte at the very end',
    reason: 'NotBlank',
    says: /is not zero/,
    arrange: async (path) => {
      await writeAt(path, Number(await run('blockdev', '--getsize64', path)) - 1, Buffer.from([7]))
      return undefined
    },
  },
  {
    name: 'a member of an md array that is not running',
    reason: 'Signature',
    says: /linux_raid_member/,
    arrange: async (path) => {
      await run('mdadm', '--create', '/dev/md77', '--run', '--level=1', '--raid-devices=2', path, 'missing')
      await run('mdadm', '--stop', '/dev/md77')
      return undefined
    },
  },
  {
    name: 'a member of a running md array',
    reason: 'Held',
    says: /md77/,
    arrange: async (path) => {
      await run('mdadm', '--create', '/dev/md77', '--run', '--level=1', '--raid-devices=2', path, 'missing')
      return () => run('mdadm', '--stop', '/dev/md77')
    },
  },
  {
    name: 'an LVM PhysicalVolume without a group',
    reason: 'OrphanPhysicalVolume',
    says: /pvremove/,
    arrange: async (path) => (await handMadeLvm('pvcreate', path), undefined),
  },
  {
    name: 'a PhysicalVolume of another group',
    reason: 'OtherGroup',
    says: /volume group "stranger" \(not made by Loam\)/,
    arrange: async (path) => (await handMadeLvm('vgcreate', 'stranger', path), undefined),
  },
  {
    name: 'an LVM label whose metadata is damaged',
    reason: 'UnreadablePhysicalVolume',
    says: /LVM label/,
    arrange: async (path) => {
      await handMadeLvm('vgcreate', 'stranger', path)
      await writeAt(path, 4096, randomBytes(64 * 1024))
      return undefined
    },
  },
  {
    name: 'a mounted disk',
    reason: 'Mounted',
    says: /mounted at \/run\/loam-test\/canary/,
    arrange: async (path) => {
      await run('mkfs.ext4', '-q', path)
      await run('mkdir', '--parents', '/run/loam-test/canary')
      await run('mount', '-o', 'ro', path, '/run/loam-test/canary')
      return () => run('umount', '/run/loam-test/canary')
    },
  },
  {
    name: 'swap space in use',
    reason: 'Swap',
    says: /swap/,
    arrange: async (path) => {
      await run('mkswap', path)
      await run('swapon', path)
      return () => run('swapoff', path)
    },
  },
  {
    name: 'a disk under a device-mapper device',
    reason: 'Held',
    says: /dm-/,
    arrange: async (path) => {
      await run('dmsetup', 'create', 'canary', '--table', `0 2048 linear ${path} 0`)
      return () => run('dmsetup', 'remove', 'canary')
    },
  },
  {
    name: 'one path to a multipath device',
    reason: 'MultipathMember',
    says: /list \/dev\/mapper\/canary instead/,
    arrange: async (path) => {
      await run('dmsetup', 'create', 'canary', '--uuid', 'mpath-canary', '--table', `0 2048 linear ${path} 0`)
      return () => run('dmsetup', 'remove', 'canary')
    },
  },
  {
    name: 'a disk that a program has claimed',
    reason: 'InUse',
    says: /claimed/,
    arrange: async (path) => {
      const file = await open(path, constants.O_RDONLY | constants.O_EXCL)
      return () => file.close()
    },
  },
  {
    name: 'a read-only disk',
    reason: 'ReadOnly',
    says: /setrw/,
    arrange: async (path) => {
      await run('blockdev', '--setro', path)
      return () => run('blockdev', '--setrw', path)
    },
  },
]

describe('judging real disks', function () {
  this.timeout(120_000)
  let node: Node

  before(async () => {
    await attachDisks(SMALL_MIB)
    await run('modprobe', '-a', 'loop', 'raid1')
    // udev would assemble an array as soon as it sees a part of one
    await writeFile('/etc/mdadm/mdadm.conf', 'AUTO -all\n')
    node = await startNode()
  })
  beforeEach(() => wipe(disk(0), disk(1)))
  after(async () => {
    await node.close()
    await wipe(disk(0), disk(1))
    await detachDisks()
  })

  for (const { name, reason, says, arrange } of CANARIES) {
    it(`refuses ${name} and changes not one byte of it`, async () => {
      const undo = (await arrange(disk(0))) ?? nothing
      try {
        const before = await sha256(disk(0))
        const { group, disks, problem } = await ensure(node.volumes, [disk(0)])
        expect(disks).to.have.length(1)
        expect(disks[0]).to.include({ path: disk(0), state: 'Refused', reason })
        expect(disks[0]?.message).to.match(says)
        expect(group).to.equal(undefined)
        expect(problem?.reason).to.equal('NoUsableDisk')
        expect(await sha256(disk(0))).to.equal(before)
      } finally {
        await undo()
      }
    })
  }

  it('refuses xfs, which wants a larger disk, and changes not one byte of it', async () => {
    const large = await makeLoop('large', 304)
    try {
      await run('mkfs.xfs', '-q', large)
      const before = await sha256(large)
      const { disks } = await ensure(node.volumes, [large])
      expect(disks[0]).to.include({ path: large, state: 'Refused', reason: 'Signature' })
      expect(disks[0]?.message).to.match(/xfs/)
      expect(await sha256(large)).to.equal(before)
    } finally {
      await dropLoop(large)
    }
  })

  it('names the disk by its WWN or serial number, and its kernel path', async () => {
    await run('mkswap', disk(0))
    const { disks } = await ensure(node.volumes, [disk(0)])
    const kernelPath = await realpath(disk(0))
    const wwid = (await run('cat', `/sys/block/${basename(kernelPath)}/device/wwid`)).trim()
    expect(disks[0]).to.include({ devicePath: kernelPath, id: wwid.replaceAll(/\s+/g, ' ') })
    expect(disks[0]?.sizeBytes).to.equal(BigInt(await run('blockdev', '--getsize64', disk(0))))
  })

  it('tells a missing disk from one that is no disk', async () => {
    const { disks } = await ensure(node.volumes, ['/dev/disk/by-id/none', '/dev/null', '/etc/passwd'])
    expect(disks.map(({ state, reason }) => [state, reason])).to.deep.equal([
      ['Missing', 'NotThere'],
      ['Refused', 'NotABlockDevice'],
      ['Refused', 'NotADevicePath'],
    ])
  })

  it('refuses a logical volume', async () => {
    await handMadeLvm('vgcreate', 'stranger', disk(0))
    await handMadeLvm('lvcreate', '--yes', '--extents', '20', '--name', 'lv', 'stranger')
    const { disks } = await ensure(node.volumes, ['/dev/mapper/stranger-lv'])
    expect(disks[0]).to.include({ state: 'Refused', reason: 'LogicalVolume' })
  })

  it('refuses memory and what is too small', async () => {
    const small = await makeLoop('small', 32)
    await run('modprobe', 'brd', 'rd_nr=1', 'rd_size=131072')
    try {
      const { disks } = await ensure(node.volumes, [small, '/dev/ram0'])
      expect(disks.map(({ reason }) => reason)).to.deep.equal(['TooSmall', 'UnsupportedDevice'])
    } finally {
      await dropLoop(small)
      await run('modprobe', '--remove', 'brd')
    }
  })

  it('waits for no byte of a suspended device', async () => {
    await run('dmsetup', 'create', 'canary', '--table', `0 204800 linear ${disk(0)} 0`)
    await run('dmsetup', 'suspend', 'canary')
    try {
      const { disks } = await ensure(node.volumes, ['/dev/mapper/canary'])
      expect(disks[0]).to.include({ state: 'Refused', reason: 'Suspended' })
    } finally {
      await run('dmsetup', 'resume', 'canary')
      await run('dmsetup', 'remove', 'canary')
    }
  })

  it('refuses a partition for booting, and takes a free one although its disk has a table', async () => {
    await writeGpt(disk(0), true, BIOS_BOOT)
    await writeGpt(disk(1), true)
    const partitions = [`${await realpath(disk(0))}1`, `${await realpath(disk(1))}1`]
    const { group, disks } = await ensure(node.volumes, partitions)
    expect(disks.map(({ reason }) => reason)).to.deep.equal(['ReservedPartition', 'Member'])
    expect(disks[1]?.id).to.match(/-part1$/)
    expect(group?.physicalVolumes).to.have.length(1)
  })

  it('refuses a loop device over another device', async () => {
    const loop = await run('losetup', '--find', '--show', disk(0))
    try {
      const { disks } = await ensure(node.volumes, [loop])
      expect(disks[0]).to.include({ state: 'Refused', reason: 'LoopDeviceInUse' })
    } finally {
      await run('losetup', '--detach', loop)
    }
  })

  it('refuses a blank disk that is listed for another group, by whatever path', async () => {
    const otherLists = [{ groupName: 'loam-other', paths: [await realpath(disk(0))] }]
    const { group, disks } = await ensure(node.volumes, [disk(0)], { otherLists })
    expect(group).to.equal(undefined)
    expect(disks[0]).to.include({ state: 'Refused', reason: 'InTwoGroups' })
    expect(disks[0]?.message).to.contain('loam-other')
  })

  it('refuses both copies of one PhysicalVolume', async () => {
    await handMadeLvm('vgcreate', GROUP, disk(0))
    await run('dd', `if=${disk(0)}`, `of=${disk(1)}`, 'bs=1M', 'count=20', 'conv=fsync', 'status=none')
    const before = [await sha256(disk(0)), await sha256(disk(1))]
    const { group, disks } = await ensure(node.volumes, [disk(0), disk(1)])
    expect(group).to.equal(undefined)
    expect(disks.map(({ reason }) => reason)).to.deep.equal([
      'DuplicatePhysicalVolume',
      'DuplicatePhysicalVolume',
    ])
    expect([await sha256(disk(0)), await sha256(disk(1))]).to.deep.equal(before)
  })

  it('uses loop devices, and only those of one sector size', async () => {
    const loops = [await makeLoop('a', 128), await makeLoop('b', 128, 4096)]
    const other = await ensure(node.volumes, loops, { name: 'loam-loops' })
    try {
      expect(other.disks.map(({ reason }) => reason)).to.deep.equal(['Member', 'SectorSize'])
      expect(other.group?.physicalVolumes).to.have.length(1)
    } finally {
      await wipe(...loops)
      await Promise.all(loops.map(dropLoop))
    }
  })
})
