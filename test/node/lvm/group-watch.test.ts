import { expect } from 'chai'
import { readdir, readFile } from 'node:fs/promises'

import type { GroupChange } from '../../../lvm/group-watch.ts'
import type { Inventory, VolumeGroup } from '../../../lvm/types.ts'
import { eventually } from '../../support/eventually.ts'
import { pullDisk } from './arrange.ts'
import {
  attachDisks,
  detachDisks,
  disk,
  emptyGroup,
  ensure,
  GROUP,
  groupOn,
  handMadeLvm,
  lvmSubcommand,
  MIB,
  recordingRunner,
  requestFor,
  run,
  settle,
  startNode,
  wipe,
  type Node,
} from './fixture.ts'

const COPY = '/run/loam-test/copy.vg'
const INACTIVE = ['--activate', 'n', '--zero', 'n', '--wipesignatures', 'n']
const byHand = (name: string): Promise<string> =>
  handMadeLvm('lvcreate', ...INACTIVE, '--size', '8m', '--name', name, GROUP)

describe('watching a group', function () {
  this.timeout(180_000)
  let node: Node
  let runner: ReturnType<typeof recordingRunner>
  let changes: { readonly name: string; readonly change: GroupChange; readonly at: number }[]
  let stopping: AbortController
  let group: VolumeGroup

  const lvmCommands = (): (string | undefined)[] =>
    runner.commands.map(lvmSubcommand).filter((name) => name !== undefined)
  const inventory = (): Promise<Inventory> => node.volumes.inventory()
  const names = async (): Promise<string[]> => (await inventory()).volumes.map(({ name }) => name)

  const disksTold = (): boolean => changes.some(({ change }) => change === 'disks')

  /** As long as our own changes are told late, nothing can be said of somebody else's. */
  const settled = async (): Promise<void> => {
    await inventory()
    await eventually('nothing more is told', async () => {
      const before = changes.length
      await new Promise((resolve) => setTimeout(resolve, 2500))
      return changes.length === before
    })
    changes.length = 0
    runner.commands.length = 0
  }

  /** Does something by hand and waits until it is told. Gives how long that took from the end of the command on. */
  const noticed = async (work: () => Promise<unknown>): Promise<number> => {
    await settled()
    await work()
    const doneAt = performance.now()
    const told = await eventually('it is told', () => changes.find(({ change }) => change === 'metadata'))
    expect(told.name).to.equal(GROUP)
    return Math.max(0, Math.round(told.at - doneAt))
  }

  const start = async (): Promise<void> => {
    changes = []
    stopping = new AbortController()
    runner = recordingRunner()
    node = await startNode(runner, {
      signal: stopping.signal,
      onGroupChange: (name, change) => changes.push({ name, change, at: performance.now() }),
    })
    group = await groupOn(node.volumes, disk(0), disk(1))
  }

  before(async () => {
    await attachDisks()
    await wipe(disk(0), disk(1))
    await start()
  })
  afterEach(emptyGroup)
  after(async () => {
    stopping.abort()
    await node.close()
    await wipe(disk(0), disk(1))
    await detachDisks()
  })

  it('runs no command for a question when nothing has changed, and one when something has', async () => {
    const made = await node.volumes.createVolume(requestFor(group, 8n * MIB))
    await settled()
    for (let times = 0; times < 20; times += 1) {
      expect(await names()).to.deep.equal([made.name])
      expect(await node.volumes.findVolume(made.handle)).to.include({ name: made.name })
    }
    expect(runner.commands).to.deep.equal([])
    await byHand('hand')
    expect(await names()).to.have.members([made.name, 'hand'])
    expect(await names()).to.have.members([made.name, 'hand'])
    await eventually('it is told', () => changes.length > 0)
    expect(lvmCommands()).to.deep.equal(['fullreport'])
  })

  it('answers with every change at once, whatever the kernel has in its cache', async () => {
    for (let count = 1; count <= 8; count += 1) {
      await Promise.all([disk(0), disk(1)].map((path) => run('head', '--bytes', '1M', path)))
      await byHand(`hand-${count}`)
      expect(await names(), `after ${count} changes`).to.have.length(count)
    }
  })

  it('answers with volumes as they are active, which no header shows', async () => {
    const made = await node.volumes.createVolume(requestFor(group, 8n * MIB))
    const isActive = async () => (await node.volumes.findVolume(made.handle))?.active
    expect(await isActive()).to.equal(false)
    await handMadeLvm('lvchange', '--activate', 'y', `${GROUP}/${made.name}`)
    expect(await isActive()).to.equal(true)
    await handMadeLvm('lvchange', '--activate', 'n', `${GROUP}/${made.name}`)
    expect(await isActive()).to.equal(false)
  })

  it('tells of what is done by hand', async () => {
    const took: Record<string, number> = {}
    took.lvcreate = await noticed(() => byHand('hand'))
    took.lvremove = await noticed(() => handMadeLvm('lvremove', '--force', '--yes', `${GROUP}/hand`))
    took.pvchange = await noticed(() => handMadeLvm('pvchange', '--allocatable', 'n', disk(0)))
    await eventually('that disks are concerned is told', disksTold)
    expect((await inventory()).groups[0]?.physicalVolumes.some(({ allocatable }) => !allocatable)).to.equal(
      true,
    )
    await handMadeLvm('pvchange', '--allocatable', 'y', disk(0))
    took['lvcreate without a lock'] = await noticed(() =>
      handMadeLvm('lvcreate', '--nolocking', ...INACTIVE, '--size', '8m', '--name', 'unlocked', GROUP),
    )
    expect(await names()).to.deep.equal(['unlocked'])
    console.log(`        told after, in ms from the end of the command: ${JSON.stringify(took)}`)
  })

  it('tells of a state that was restored, and freezes the group for it', async () => {
    await handMadeLvm('vgcfgbackup', '--file', COPY, GROUP)
    await byHand('hand')
    await byHand('lost')
    expect(await names()).to.have.members(['hand', 'lost'])
    const took = await noticed(() => handMadeLvm('vgcfgrestore', '--file', COPY, GROUP))
    console.log(`        vgcfgrestore told after ${took} ms`)
    for (let times = 0; times < 2; times += 1)
      expect((await inventory()).unseen[0]).to.include({ reason: 'MetadataWentBack' })
    node.volumes.forgetGroup(GROUP)
    await groupOn(node.volumes, disk(0), disk(1))
  })

  it('tells of a disk that is pulled and plugged in again', async () => {
    await settled()
    const pulled = await pullDisk(disk(1))
    await eventually('the lost disk is told', disksTold)
    expect((await inventory()).groups[0]?.missingPhysicalVolumes).to.equal(1)
    await settled()
    for (let times = 0; times < 5; times += 1)
      expect((await inventory()).groups[0]?.missingPhysicalVolumes).to.equal(1)
    expect(lvmCommands()).to.deep.equal([])
    await pulled.plug()
    await eventually('the disk that is back is told', disksTold)
    expect((await inventory()).groups[0]?.missingPhysicalVolumes).to.equal(0)
  })

  it('tells of a disk that joins the group by hand, so that the disks are looked at', async () => {
    node.volumes.forgetGroup(GROUP)
    await wipe(disk(0), disk(1))
    await groupOn(node.volumes, disk(0))
    const took = await noticed(() => handMadeLvm('vgextend', GROUP, disk(1)))
    await eventually('that disks are concerned is told', disksTold)
    console.log(`        vgextend told after ${took} ms`)
    expect((await inventory()).groups[0]).to.include({ missingPhysicalVolumes: 1 })
    const { group: now, problem } = await ensure(node.volumes, [disk(0), disk(1)])
    expect(problem).to.equal(undefined)
    expect(now).to.include({ missingPhysicalVolumes: 0 })
    expect(now?.physicalVolumes).to.have.length(2)
  })
})

/** The device that is suspended, and the one above it, of which nobody can see that it does not answer. */
const HANGING = 'loam-test-hanging'
const ABOVE = 'loam-test-above'
const HUNG = 'loam-hung'
const SOUND = 'loam-sound'

/** Threads of this process that wait for a disk and cannot be woken. */
const waitingThreads = async (): Promise<number> => {
  const threads = await readdir('/proc/self/task')
  const stats = await Promise.all(
    threads.map((id) => readFile(`/proc/self/task/${id}/stat`, 'utf8').catch(() => '')),
  )
  return stats.filter((stat) => /^\d+ \(.*\) D /.test(stat)).length
}

describe('watching a group whose disk does not answer', function () {
  this.timeout(180_000)
  let node: Node
  let stopping: AbortController
  let told: string[]

  const hang = () => run('dmsetup', 'suspend', '--nolockfs', '--noflush', HANGING)
  const answer = () => run('dmsetup', 'resume', HANGING)
  const made = async (name: string, path: string): Promise<void> => {
    const { problem } = await ensure(node.volumes, [path], { name })
    if (problem !== undefined) throw new Error(problem.message)
  }

  before(async () => {
    await attachDisks()
    await wipe(disk(0), disk(1))
    const sectors = Number(await run('blockdev', '--getsz', disk(0)))
    await run('dmsetup', 'create', HANGING, '--table', `0 ${sectors} linear ${disk(0)} 0`)
    await run('dmsetup', 'create', ABOVE, '--table', `0 ${sectors} linear /dev/mapper/${HANGING} 0`)
    await settle()
    told = []
    stopping = new AbortController()
    node = await startNode(recordingRunner(), {
      deadlines: { read: 5000, change: 5000, look: 10_000 },
      signal: stopping.signal,
      onGroupChange: (name) => told.push(name),
    })
    await made(HUNG, `/dev/mapper/${ABOVE}`)
    await made(SOUND, disk(1))
    await eventually('both groups are watched', () => told.includes(HUNG) && told.includes(SOUND))
  })
  after(async () => {
    await answer()
    stopping.abort()
    await node.close()
    await wipe(disk(0), disk(1))
    await detachDisks()
  })

  it('tells that once, reads the disk once, and goes on with the other group', async () => {
    await hang()
    told.length = 0
    await eventually('the doubt is told', () => told.includes(HUNG), 30_000)
    for (const name of ['one', 'two', 'three']) {
      const before = told.filter((each) => each === SOUND).length
      await handMadeLvm('lvcreate', '--devices', disk(1), ...INACTIVE, '--size', '8m', '--name', name, SOUND)
      await eventually('the change is told', () => told.filter((each) => each === SOUND).length > before)
      const { volumes } = await node.volumes.inventory()
      expect(volumes.some((volume) => volume.name === name)).to.equal(true)
    }
    expect(await waitingThreads()).to.equal(1)
    expect(told.filter((each) => each === HUNG)).to.have.length(1)
    await answer()
    await eventually(
      'the disk that answers again is told',
      () => told.filter((each) => each === HUNG).length > 1,
    )
    expect(await waitingThreads()).to.equal(0)
    await eventually(
      'the group is read again',
      async () => (await node.volumes.inventory()).unseen.length === 0,
    )
  })
})
