import { open, readFile, writeFile } from 'node:fs/promises'

import { expect } from 'chai'

import type { ThinLayout } from '../../../core/layout.ts'
import { largestThinVolumeExtents } from '../../../core/thin-size.ts'
import { type Command, type CommandRunner } from '../../../lvm/command-runner.ts'
import { isThinPool, thinRoomOf, type ThinPool } from '../../../lvm/thin-pool.ts'
import type { CreateVolumeRequest, Inventory, LogicalVolume, VolumeGroup } from '../../../lvm/types.ts'
import { eventually } from '../../support/eventually.ts'
import { dropLoop, makeLoop } from './arrange.ts'
import {
  emptyGroup,
  ensure,
  handMadeLvm,
  MIB,
  requestFor,
  run,
  startNode,
  usualRunner,
  wipe,
  type Node,
} from './fixture.ts'

const NAME = 'loam-thin'
const DISKS = 2
const DISK_MIB = 160
const CHUNK = 64 << 10
const NO_SPACE_TIMEOUT = '/sys/module/dm_thin_pool/parameters/no_space_timeout'

const layout = (ratio: number, pool = 'thinpool'): ThinLayout => ({
  name: 'thin',
  pool,
  overprovisionPermille: BigInt(ratio * 1000),
})

const RATIO = layout(1.5)

interface FaultyRunner extends CommandRunner {
  fails: (command: Command) => boolean
  /** Steps of the changes that were made. */
  readonly ran: string[]
}

/** A runner in which commands of that kind fail as if they could not be started. */
const faultyRunner = (): FaultyRunner => {
  const runner: FaultyRunner = {
    fails: (): boolean => false,
    ran: [],
    run: (command) => {
      if (runner.fails(command)) return Promise.reject(new Error('not started'))
      runner.ran.push(command.effect === 'change' ? command.step : '')
      return usualRunner.run(command)
    },
  }
  return runner
}

const failure = async (work: Promise<unknown>): Promise<string> =>
  work.then(
    () => '',
    (error: unknown) => String(error),
  )

/** Writes a byte all over a range, through to the disk. */
const fill = async (path: string, byte: number, fromMib: number, mib: number): Promise<void> => {
  const file = await open(path, 'r+')
  try {
    const block = Buffer.alloc(Number(MIB), byte)
    for (let at = fromMib; at < fromMib + mib; at += 1)
      await file.write(block, 0, block.length, at * block.length)
    await file.sync()
  } finally {
    await file.close()
  }
}

describe('thin volumes', function () {
  this.timeout(600_000)
  const runner = faultyRunner()
  let node: Node
  let loops: string[]
  let group: VolumeGroup
  let end: AbortController

  const inventory = (): Promise<Inventory> => node.volumes.inventory()
  const poolNow = async (name = 'thinpool'): Promise<ThinPool> => {
    const pool = (await inventory()).volumes.filter(isThinPool).find((each) => each.name === name)
    if (pool === undefined) throw new Error('no pool')
    return pool
  }
  const largestBytes = async (wanted: ThinLayout): Promise<bigint> => {
    const { groups, volumes, poolUse = [] } = await inventory()
    const room = thinRoomOf({ group: groups[0] ?? group, volumes }, wanted, poolUse)
    const extents = room === undefined ? 0n : largestThinVolumeExtents(wanted.overprovisionPermille, room)
    return extents * group.extentSizeBytes
  }
  const request = (wanted: ThinLayout, sizeBytes: bigint): CreateVolumeRequest => ({
    ...requestFor(group, sizeBytes, { content: 'block' }),
    layout: wanted,
  })
  const create = (wanted: ThinLayout, sizeBytes: bigint): Promise<LogicalVolume> =>
    node.volumes.createVolume(request(wanted, sizeBytes))
  const prepare = async ({ handle }: LogicalVolume): Promise<string> =>
    (await node.volumes.prepareVolume(handle, { kind: 'block' })).devicePath
  const remove = async ({ handle, name, record }: LogicalVolume): Promise<void> => {
    await node.volumes.releaseVolume(handle)
    await node.volumes.removeVolume(handle, { name, claimUid: record?.claimUid ?? '', erase: 'zero' })
  }

  before(async () => {
    await run('modprobe', '-a', 'loop', 'dm-thin-pool')
    loops = []
    for (let index = 0; index < DISKS; index += 1) loops.push(await makeLoop(`thin${index}`, DISK_MIB))
    end = new AbortController()
    node = await startNode(runner, { onGroupChange: () => undefined, signal: end.signal })
    const made = await ensure(node.volumes, loops, { name: NAME })
    if (made.group === undefined || made.problem !== undefined) throw new Error(made.problem?.message)
    group = made.group
  })
  beforeEach(async () => {
    runner.fails = () => false
    await emptyGroup(NAME)
    // a creation plans with the newest report, and this was done by hand
    await inventory()
  })
  after(async () => {
    end.abort()
    await node.close()
    await wipe(...loops)
    for (const loop of loops) await dropLoop(loop)
  })

  it('are refused, and no pool is made, where thin_check cannot be run', async () => {
    runner.fails = ({ args }) => args.includes('thin_check')
    const { thinCheckFault, ...before } = await inventory()
    expect(thinCheckFault).to.equal(undefined)
    expect(await failure(create(layout(1), 8n * MIB))).to.match(
      /thin pool "loam-thin\/thinpool": is not made without thin_check.*install the package/,
    )
    expect(await inventory()).to.deep.equal({ ...before, thinCheckFault: 'Error: not started' })
    // the next look at the disks tries again
    await ensure(node.volumes, loops, { name: NAME })
    expect(await inventory()).to.deep.equal({ ...before, thinCheckFault: 'Error: not started' })
    runner.fails = () => false
    await ensure(node.volumes, loops, { name: NAME })
    expect(await inventory()).to.deep.equal(before)
  })

  it('get more space while they are written to, wait for it in a full pool, and get it when there is some', async () => {
    const timeout = await readFile(NO_SPACE_TIMEOUT, 'utf8')
    const wanted = layout(2.5, 'growing')
    const volume = await create(wanted, 40n * MIB)
    expect(await poolNow('growing')).to.include({ sizeBytes: 16n * MIB })
    await handMadeLvm('lvcreate', '-qan', '-Zn', '-Wn', '-l100%FREE', '-nrest', NAME)
    await handMadeLvm('lvreduce', '-qf', '-l-3', `${NAME}/rest`)
    const path = await prepare(volume)
    try {
      // more than the pool has: the rest waits until it is larger
      await fill(path, 0xbb, 0, 20)
      const { handle, sizeBytes } = await poolNow('growing')
      expect(sizeBytes).to.equal(28n * MIB)
      await writeFile(NO_SPACE_TIMEOUT, '1')
      expect(await failure(fill(path, 0xcc, 20, 20))).to.match(/ENOSPC|EIO/)
      const [use] = (await inventory()).poolUse ?? []
      expect(use).to.include({ poolUuid: handle.volumeUuid, dataPercent: 100, mode: 'out_of_data_space' })
      expect(await largestBytes(wanted)).to.equal(0n)
      expect(await failure(create(wanted, 4n * MIB))).to.match(/"loam-thin\/growing" is too full.*add a disk/)
      await writeFile(NO_SPACE_TIMEOUT, timeout)
      await handMadeLvm('lvremove', '--yes', `${NAME}/rest`)
      const isWell = async (): Promise<boolean> => (await inventory()).poolUse?.[0]?.mode === 'rw'
      await eventually('the pool has space again', isWell, 30_000)
      await fill(path, 0xcc, 20, 20)
      const held = await readFile(path)
      expect(
        held.equals(Buffer.concat([Buffer.alloc(20 << 20, 0xbb), Buffer.alloc(20 << 20, 0xcc)])),
      ).to.equal(true)
    } finally {
      await writeFile(NO_SPACE_TIMEOUT, timeout)
    }
    await node.volumes.releaseVolume(volume.handle)
    expect(await run('dmsetup', 'ls')).to.equal('No devices found')
  })

  it('can be as large as what is called the largest, and no extent larger', async () => {
    // holes: the pool begins in one run, and takes the rest in others
    const holes = [`${loops[0] ?? ''}:20-21`, `${loops[1] ?? ''}:9-10`]
    await handMadeLvm('lvcreate', '-qan', '-Zn', '-Wn', '-l4', '-nused', NAME, ...holes)
    const { extentSizeBytes } = group
    const offered = await largestBytes(RATIO)
    // one volume stays active, and its pool with it: LVM is four times as fast then
    await prepare(await create(RATIO, extentSizeBytes))
    expect(await poolNow()).to.deep.include({
      pool: { metadataBytes: 4n * MIB, chunkBytes: BigInt(CHUNK), zeroes: true },
    })
    const largestNow = await largestBytes(RATIO)
    expect(largestNow).to.equal(offered - extentSizeBytes)
    expect(await failure(create(RATIO, largestNow + 1n))).to.match(
      new RegExp(`${largestNow + extentSizeBytes} bytes.*overprovisionRatio 1.5.*\\(${largestNow} bytes\\)`),
    )
    expect(await create(RATIO, largestNow)).to.include({
      ...{ sizeBytes: largestNow, segmentType: 'thin', poolName: 'thinpool', active: false },
    })
    const { sizeBytes } = await poolNow()
    expect(offered * 2n <= sizeBytes * 3n && (offered + extentSizeBytes) * 2n > sizeBytes * 3n).to.equal(true)
    expect(await failure(create(RATIO, 1n))).to.match(/at most 0 B fits/)
    // LVM agrees: the group has no extent more for the pool
    expect(await failure(handMadeLvm('lvextend', '-l+1', `${NAME}/thinpool`))).to.match(/nsufficient/)
  })

  it('never show what a removed volume held, also where only a part of a chunk is written', async () => {
    const sizeBytes = 4n * MIB
    const first = await create(layout(1), sizeBytes)
    await fill(await prepare(first), 0xaa, 0, 4)
    await remove(first)
    // as large as the volumes: the second gets every chunk that the first had
    expect(await poolNow()).to.include({ sizeBytes })
    const path = await prepare(await create(layout(1), sizeBytes))
    expect(await poolNow()).to.include({ sizeBytes })
    const file = await open(path, 'r+')
    try {
      for (let at = 0; at < 4 << 20; at += CHUNK) await file.write(Buffer.alloc(512, 0x55), 0, 512, at + 4096)
      await file.sync()
    } finally {
      await file.close()
    }
    const held = await readFile(path)
    expect([held.includes(0xaa), held.includes(0x55)]).to.deep.equal([false, true])
  })

  it('find their pool large enough after a crash between its growth and their creation', async () => {
    await prepare(await create(RATIO, 4n * MIB))
    expect(await poolNow()).to.include({ sizeBytes: 4n * MIB })
    const wanted = request(RATIO, 20n * MIB)
    runner.fails = (command) => command.effect === 'change' && command.step === 'create-volume'
    expect(await failure(node.volumes.createVolume(wanted))).to.match(/not started/)
    const { sizeBytes } = await poolNow()
    expect(sizeBytes).to.equal(16n * MIB)
    runner.fails = () => false
    runner.ran.length = 0
    expect(await node.volumes.createVolume(wanted)).to.include({ sizeBytes: wanted.sizeBytes })
    expect(runner.ran.filter((step) => /pool|create/.test(step))).to.deep.equal(['create-volume'])
    expect(await poolNow()).to.include({ sizeBytes })
  })
})
