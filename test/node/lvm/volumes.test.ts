import { expect } from 'chai'
import { constants } from 'node:fs'
import { mkdir, open, readFile, writeFile } from 'node:fs/promises'

import { allFreeExtents } from '../../../core/layout-size.ts'
import { afterCreations } from '../../../lvm/after-creations.ts'
import type { CommandRunner } from '../../../lvm/command-runner.ts'
import { CommandFailed, Conflict, InUse, NoSpace, Refused } from '../../../lvm/errors.ts'
import { freeDisksOf } from '../../../lvm/free-disks.ts'
import type { Inventory, LogicalVolume, WantedContent } from '../../../lvm/types.ts'
import { thrownBy } from '../../unit/lvm/thrown.ts'
import { writeAt } from './arrange.ts'
import {
  attachDisks,
  detachDisks,
  disk,
  emptyGroup,
  groupOn,
  handMadeLvm,
  lvmSubcommand,
  MIB,
  recordingRunner,
  requestFor,
  run,
  startNode,
  wipe,
  type Node,
} from './fixture.ts'

const MOUNT_POINT = '/run/loam-test/mnt'
const EXT4: WantedContent = { kind: 'fileSystem', type: 'ext4', mkfsOptions: [] }
const BLOCK: WantedContent = { kind: 'block' }

/** Zeros are dropped first: to grep they are one endless line. */
const PATTERN_COUNT = `tr -d '\\0' < "$0" | grep -c -a tenant-secret || true`

const mount = async (devicePath: string): Promise<void> => {
  await mkdir(MOUNT_POINT, { recursive: true })
  await run('mount', devicePath, MOUNT_POINT)
}
const unmount = (): Promise<string> => run('umount', MOUNT_POINT)

describe('volumes', function () {
  this.timeout(180_000)
  let node: Node
  let runner: ReturnType<typeof recordingRunner>
  let group: Awaited<ReturnType<typeof groupOn>>

  const start = async (using: CommandRunner): Promise<void> => {
    node = await startNode(using)
    group = await groupOn(node.volumes, disk(0), disk(1))
  }

  before(async () => {
    await attachDisks()
    await wipe(disk(0), disk(1))
    runner = recordingRunner()
    await start(runner)
  })
  afterEach(async () => {
    await emptyGroup()
    runner.commands.length = 0
  })
  after(async () => {
    await node.close()
    await wipe(disk(0), disk(1))
    await detachDisks()
  })

  const make = (sizeBytes: bigint, other: Parameters<typeof requestFor>[2] = {}): Promise<LogicalVolume> =>
    node.volumes.createVolume(requestFor(group, sizeBytes, other))

  const remove = (volume: LogicalVolume, other: { claimUid?: string } = {}): Promise<void> =>
    node.volumes.removeVolume(volume.handle, {
      name: volume.name,
      claimUid: volume.record?.claimUid ?? '',
      erase: volume.record?.erase ?? 'zero',
      ...other,
    })

  const stateOf = async (volume: LogicalVolume): Promise<string | undefined> =>
    (await node.volumes.findVolume(volume.handle))?.record?.state

  const ran = (): string[] => runner.commands.map(lvmSubcommand).filter((name) => name !== undefined)
  const ranFile = (file: string): number => runner.commands.filter((command) => command.file === file).length

  describe('create together', () => {
    it('makes all volumes of a pod, and none when they fit one by one only, also beside others at the same moment', async () => {
      const three = () => [100n, 100n, 100n].map((mib) => requestFor(group, mib * MIB))
      const [pod, other, third] = [three(), three(), three()]
      const outcomes = await Promise.allSettled(
        [pod, other, third].map((requests) => node.volumes.createVolumes(requests)),
      )
      const made = outcomes.flatMap((outcome) => (outcome.status === 'fulfilled' ? outcome.value : []))
      const refused = outcomes.flatMap((outcome) =>
        outcome.status === 'rejected' ? [outcome.reason as unknown] : [],
      )
      expect(made.map(({ name }) => name)).to.deep.equal([...pod, ...other].map(({ name }) => name))
      expect(refused).to.have.length(1)
      expect(refused[0])
        .to.be.instanceOf(NoSpace)
        .and.have.property('message')
        .match(/100 MiB wanted( beside \d+ MiB for others of the same pod)? .*at most \d+ MiB fits/)
      const { volumes } = await node.volumes.inventory()
      expect(volumes.map(({ name }) => name)).to.have.members(made.map(({ name }) => name))
      expect(await node.volumes.createVolumes(pod)).to.deep.equal(made.slice(0, 3))
    })

    it('offers what is left beside volumes that are being made, and wait for their turn', async () => {
      const free = ({ groups, volumes, inCreation = [] }: Inventory): bigint => {
        const report = { group: groups[0] ?? group, volumes }
        return allFreeExtents(freeDisksOf(afterCreations(report, inCreation, []).group))
      }
      const before = free(await node.volumes.inventory())
      const making = [40n, 33n, 50n].map((mib) => make(mib * MIB))
      const meanwhile = await node.volumes.inventory()
      await Promise.all(making)
      expect(meanwhile.inCreation).to.have.length(3)
      expect(free(meanwhile)).to.equal(before - 10n - 9n - 13n)
      const then = await node.volumes.inventory()
      expect(then.inCreation).to.equal(undefined)
      expect(free(then)).to.equal(free(meanwhile))
    })
  })

  describe('create', () => {
    it('makes an inactive volume of whole extents with its record, and once', async () => {
      const request = requestFor(group, 33n * MIB)
      const made = await node.volumes.createVolume(request)
      expect(made).to.include({ sizeBytes: 36n * MIB, active: false, open: false, segmentType: 'linear' })
      expect(made.record).to.deep.equal(request.record)
      expect(await node.volumes.createVolume(request)).to.deep.equal(made)
      expect((await node.volumes.inventory()).volumes).to.deep.equal([made])
      const other = { ...request, record: { ...request.record, claimUid: 'another' } }
      expect(await thrownBy(node.volumes.createVolume(other))).to.be.instanceOf(Conflict)
    })

    it('takes one LVM command, and none for what is asked afterwards', async () => {
      await make(8n * MIB)
      runner.commands.length = 0
      const made = await make(8n * MIB)
      expect((await node.volumes.inventory()).volumes).to.deep.include(made)
      expect(ran()).to.deep.equal(['lvcreate'])
    })

    it('gives all of the group and not one extent more, with numbers', async () => {
      const { freeBytes, extentSizeBytes } = group
      const error = await thrownBy(make(freeBytes + 1n))
      expect(error).to.be.instanceOf(NoSpace)
      expect(error).to.include({ requestedBytes: freeBytes + extentSizeBytes, largestBytes: freeBytes })
      expect((await make(freeBytes)).sizeBytes).to.equal(freeBytes)
      expect(await thrownBy(make(8n * MIB))).to.be.instanceOf(NoSpace)
    })

    it('lets exactly one of two win the last of the space', async () => {
      const size = (group.freeBytes / 2n / group.extentSizeBytes + 1n) * group.extentSizeBytes
      const results = await Promise.allSettled([make(size), make(size)])
      expect(results.map(({ status }) => status)).to.deep.equal(['fulfilled', 'rejected'])
      expect(results[1]).to.have.property('reason').that.is.instanceOf(NoSpace)
    })

    it('sees what was done by hand behind its back', async () => {
      await make(8n * MIB)
      await handMadeLvm('lvcreate', '--yes', '-l', '100%FREE', '-n', 'by-hand', group.name)
      expect(await thrownBy(make(8n * MIB))).to.be.instanceOf(NoSpace)
      await handMadeLvm('lvremove', '--yes', `${group.name}/by-hand`)
      expect((await make(8n * MIB)).sizeBytes).to.equal(8n * MIB)
    })

    it('is not fooled by an lvcreate that returns 0 and makes nothing', async () => {
      const zeroing = (words: readonly string[]): string[] =>
        words.map((word, at) => (words[at - 1] === '--zero' ? 'y' : word))
      const lying = {
        run: ({ args, shell, ...command }: Parameters<typeof runner.run>[0]) =>
          lvmSubcommand({ ...command, args }) === 'lvcreate'
            ? // the real one with -Zy: "Cannot zero inactive logical volume", status 0
              runner.run({
                ...{ ...command, args: zeroing(args) },
                ...(shell === undefined ? {} : { shell: { ...shell, words: zeroing(shell.words) } }),
              })
            : runner.run({ ...command, args, ...(shell === undefined ? {} : { shell }) }),
      }
      await node.close()
      await start(lying)
      const error = await thrownBy(make(8n * MIB))
      await node.close()
      await start(runner)
      expect(error).to.be.instanceOf(CommandFailed)
      expect((error as Error).message).to.match(/not made.*exit status 0/)
    })
  })

  describe('prepare', () => {
    for (const type of ['ext4', 'xfs', 'btrfs'] as const)
      it(`makes ${type} once, and keeps what was written`, async () => {
        const made = await make(304n * MIB, { content: type })
        const content: WantedContent = { kind: 'fileSystem', type, mkfsOptions: [] }
        const prepared = await node.volumes.prepareVolume(made.handle, content)
        expect(prepared).to.deep.equal({ devicePath: prepared.devicePath, fileSystem: type })
        expect(await stateOf(made)).to.equal('used')
        await mount(prepared.devicePath)
        await writeFile(`${MOUNT_POINT}/hello`, 'still here')
        await unmount()
        await node.volumes.releaseVolume(made.handle)
        expect((await node.volumes.findVolume(made.handle))?.active).to.equal(false)
        const again = await node.volumes.prepareVolume(made.handle, content)
        await mount(again.devicePath)
        expect(await readFile(`${MOUNT_POINT}/hello`, 'utf8')).to.equal('still here')
        await unmount()
        expect(ranFile(`mkfs.${type}`)).to.equal(1)
      })

    it('takes an LVM command a change, and none for a volume that is ready', async () => {
      const made = await make(16n * MIB)
      runner.commands.length = 0
      await node.volumes.prepareVolume(made.handle, EXT4)
      // activated, tagged before mkfs and after it
      expect(ran()).to.deep.equal(['lvchange', 'lvchange', 'lvchange'])
      runner.commands.length = 0
      await node.volumes.prepareVolume(made.handle, EXT4)
      expect(ran()).to.deep.equal([])
    })

    it('never formats again when the file system is gone', async () => {
      const made = await make(16n * MIB)
      const { devicePath } = await node.volumes.prepareVolume(made.handle, EXT4)
      await writeAt(devicePath, 0, Buffer.alloc(1024 * 1024))
      const error = await thrownBy(node.volumes.prepareVolume(made.handle, EXT4))
      expect(error).to.be.instanceOf(Refused)
      expect(ranFile('mkfs.ext4')).to.equal(1)
      expect(await stateOf(made)).to.equal('used')
    })

    it('formats nothing that holds data, whatever its tags say', async () => {
      const made = await make(16n * MIB)
      const { devicePath } = await node.volumes.prepareVolume(made.handle, EXT4)
      const lv = `${group.name}/${made.name}`
      for (const state of ['new', 'formatting']) {
        await handMadeLvm('lvchange', '--deltag', 'loam.state=used', '--addtag', `loam.state=${state}`, lv)
        const result = await node.volumes.prepareVolume(made.handle, EXT4).catch((error: unknown) => error)
        if (state === 'new') {
          expect(result).to.be.instanceOf(Refused)
          await handMadeLvm('lvchange', '--deltag', 'loam.state=new', '--addtag', 'loam.state=used', lv)
        } else expect(result).to.deep.equal({ devicePath, fileSystem: 'ext4' })
      }
      expect(ranFile('mkfs.ext4')).to.equal(1)
      expect(await stateOf(made)).to.equal('used')
    })

    it('goes on after a crash in the middle of mkfs', async () => {
      const made = await make(16n * MIB)
      const lv = `${group.name}/${made.name}`
      await handMadeLvm('lvchange', '--deltag', 'loam.state=new', '--addtag', 'loam.state=formatting', lv)
      await handMadeLvm('lvchange', '-ay', lv)
      await writeAt(`/dev/${lv}`, 65536, Buffer.alloc(4096, 0xa5))
      await handMadeLvm('lvchange', '-an', lv)
      expect(await node.volumes.prepareVolume(made.handle, EXT4)).to.include({ fileSystem: 'ext4' })
      expect(await stateOf(made)).to.equal('used')
    })

    it('refuses another content than the volume was made for, and changes nothing', async () => {
      const made = await make(16n * MIB)
      for (const content of [BLOCK, { ...EXT4, type: 'xfs' } as const])
        expect(await thrownBy(node.volumes.prepareVolume(made.handle, content))).to.be.instanceOf(Refused)
      expect(await node.volumes.findVolume(made.handle)).to.deep.equal(made)
    })

    it('refuses a volume whose tags it cannot read whole', async () => {
      const made = await make(16n * MIB)
      await handMadeLvm('lvchange', '--addtag', 'loam.state=used', `${group.name}/${made.name}`)
      expect(await thrownBy(node.volumes.prepareVolume(made.handle, EXT4))).to.be.instanceOf(Refused)
    })

    it('hands out a block volume, marked used before anybody can write', async () => {
      const made = await make(16n * MIB, { content: 'block' })
      const { devicePath, fileSystem } = await node.volumes.prepareVolume(made.handle, BLOCK)
      expect(fileSystem).to.equal(undefined)
      expect(await stateOf(made)).to.equal('used')
      await writeAt(devicePath, 0, Buffer.from('mine'))
      await node.volumes.releaseVolume(made.handle)
      const again = await node.volumes.prepareVolume(made.handle, BLOCK)
      expect((await readFile(again.devicePath)).subarray(0, 4).toString()).to.equal('mine')
    })

    it('hands out no block volume in whose middle somebody left data', async () => {
      const made = await make(16n * MIB, { content: 'block' })
      const lv = `${group.name}/${made.name}`
      await handMadeLvm('lvchange', '-ay', lv)
      await writeAt(`/dev/${lv}`, 8 << 20, Buffer.alloc(1 << 20, 'left behind'))
      await handMadeLvm('lvchange', '-an', lv)
      expect(await thrownBy(node.volumes.prepareVolume(made.handle, BLOCK))).to.be.instanceOf(Refused)
      expect(await stateOf(made)).to.equal('new')
    })

    it('makes a missing device node again', async () => {
      const made = await make(16n * MIB)
      const { devicePath } = await node.volumes.prepareVolume(made.handle, EXT4)
      await run('rm', devicePath)
      await node.volumes.releaseVolume(made.handle)
      expect(await node.volumes.prepareVolume(made.handle, EXT4)).to.include({ devicePath })
    })
  })

  describe('release and remove', () => {
    it('does not let go of a volume that is in use', async () => {
      const made = await make(16n * MIB)
      const { devicePath } = await node.volumes.prepareVolume(made.handle, EXT4)
      await mount(devicePath)
      expect(await thrownBy(node.volumes.releaseVolume(made.handle))).to.be.instanceOf(InUse)
      expect(await thrownBy(remove(made)))
        .to.be.instanceOf(InUse)
        .with.property('message')
        .that.matches(/mounted at/)
      await unmount()
      const file = await open(devicePath, constants.O_RDONLY)
      expect(await thrownBy(node.volumes.releaseVolume(made.handle))).to.be.instanceOf(InUse)
      expect(await thrownBy(remove(made))).to.be.instanceOf(InUse)
      await file.close()
      expect(await stateOf(made)).to.equal('used')
      await node.volumes.releaseVolume(made.handle)
      await node.volumes.releaseVolume(made.handle)
    })

    it('removes nothing but the volume that is meant', async () => {
      const made = await make(16n * MIB)
      expect(await thrownBy(remove(made, { claimUid: 'another' }))).to.be.instanceOf(Refused)
      expect(await node.volumes.findVolume(made.handle)).to.deep.equal(made)
    })

    it('removes once, and again is no error', async () => {
      const made = await make(16n * MIB)
      runner.commands.length = 0
      await remove(made)
      await remove(made)
      expect(await node.volumes.findVolume(made.handle)).to.equal(undefined)
      expect(ran(), 'never used, so there is nothing to activate it for').to.deep.equal(['lvremove'])
      expect((await node.volumes.inventory()).groups[0]?.freeBytes).to.equal(group.freeBytes)
      expect(ranFile('blkdiscard'), 'never used, so there is nothing to erase').to.equal(0)
    })

    it('takes no more LVM commands than erasing needs', async () => {
      const made = await make(16n * MIB, { content: 'block' })
      await node.volumes.prepareVolume(made.handle, BLOCK)
      await node.volumes.releaseVolume(made.handle)
      runner.commands.length = 0
      await remove(made)
      // activated, tagged as being erased, deactivated, removed
      expect(ran()).to.deep.equal(['lvchange', 'lvchange', 'lvchange', 'lvremove'])
    })

    it('erases what was written into a volume that was never handed out', async () => {
      const made = await make(24n * MIB)
      const lv = `${group.name}/${made.name}`
      await handMadeLvm('lvchange', '-ay', lv)
      await writeAt(`/dev/${lv}`, 3 << 20, Buffer.from('tenant-secret'))
      await handMadeLvm('lvchange', '-an', lv)
      await remove(made)
      expect(ranFile('blkdiscard')).to.equal(1)
      for (const path of [disk(0), disk(1)])
        expect(await run('sh', '-c', PATTERN_COUNT, path), path).to.equal('0')
    })

    it('notices a volume that was removed by hand', async () => {
      const made = await make(16n * MIB)
      await handMadeLvm('lvremove', '--yes', `${group.name}/${made.name}`)
      expect(await node.volumes.findVolume(made.handle)).to.equal(undefined)
      expect(await thrownBy(node.volumes.prepareVolume(made.handle, EXT4))).to.have.property(
        'reason',
        'NotFound',
      )
      await remove(made)
    })

    for (const erase of ['zero', 'discard'] as const)
      it(`leaves nothing of a block volume for the next one (erase ${erase})`, async () => {
        const size = 16n * MIB
        const first = await make(size, { content: 'block', erase })
        const { devicePath } = await node.volumes.prepareVolume(first.handle, BLOCK)
        const pattern = Buffer.alloc(Number(size), 'tenant-secret ')
        await writeAt(devicePath, 0, pattern)
        await node.volumes.releaseVolume(first.handle)
        await remove(first)
        const second = await make(size, { content: 'block', erase })
        const { devicePath: next } = await node.volumes.prepareVolume(second.handle, BLOCK)
        expect((await readFile(next)).equals(Buffer.alloc(Number(size)))).to.equal(true)
        for (const path of [disk(0), disk(1)])
          expect(await run('sh', '-c', PATTERN_COUNT, path), path).to.equal('0')
      })

    it('starts erasing again after a crash in the middle', async () => {
      const made = await make(16n * MIB)
      const { devicePath } = await node.volumes.prepareVolume(made.handle, EXT4)
      await writeAt(devicePath, 8 * 1024 * 1024, Buffer.alloc(4096, 1))
      await node.volumes.releaseVolume(made.handle)
      const lv = `${group.name}/${made.name}`
      await handMadeLvm('lvchange', '--deltag', 'loam.state=used', '--addtag', 'loam.state=erasing', lv)
      expect(await thrownBy(node.volumes.prepareVolume(made.handle, EXT4))).to.be.instanceOf(Refused)
      await remove(made)
      expect(ranFile('blkdiscard')).to.equal(1)
      expect(await node.volumes.findVolume(made.handle)).to.equal(undefined)
    })
  })
})
