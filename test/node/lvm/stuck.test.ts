import { expect } from 'chai'

import { OutcomeUnknown, Stuck } from '../../../lvm/errors.ts'
import type { LogicalVolume, UnseenGroup, VolumeGroup } from '../../../lvm/types.ts'
import { eventually } from '../../support/eventually.ts'
import { thrownBy } from '../../unit/lvm/thrown.ts'
import {
  attachDisks,
  detachDisks,
  disk,
  ensure,
  MIB,
  requestFor,
  run,
  settle,
  startNode,
  usualRunner,
  wipe,
  type Node,
} from './fixture.ts'

/** The device that is suspended, and the one above it, of which nobody can see that it does not answer. */
const HANGING = 'loam-test-hanging'
const ABOVE = 'loam-test-above'
const PATH = `/dev/mapper/${ABOVE}`
const HUNG = 'loam-hung'
const SOUND = 'loam-sound'
/** Short enough for a test; nothing else differs from what the agent does. */
const DEADLINES = { read: 5000, change: 5000, look: 10_000 }

/** `lvm` processes of this machine that wait for a disk. */
const waiting = async (): Promise<number> => {
  const listed = await run('ps', '-eo', 'stat=,comm=')
  return listed.split('\n').filter((line) => /^D\S*\s+lvm/.test(line.trim())).length
}

describe('a disk that does not answer', function () {
  this.timeout(300_000)
  let node: Node
  let changes: string[]
  let hung: VolumeGroup
  let sound: VolumeGroup

  const made = async (name: string, path: string): Promise<VolumeGroup> => {
    const { group, problem } = await ensure(node.volumes, [path], { name })
    if (group === undefined) throw new Error(problem?.message ?? 'no group')
    return group
  }
  const create = (group: VolumeGroup): Promise<LogicalVolume> =>
    node.volumes.createVolume(requestFor(group, 8n * MIB))
  const unseen = async (): Promise<UnseenGroup | undefined> =>
    (await node.volumes.inventory()).unseen.find(({ uuid }) => uuid === hung.uuid)
  /** What waits for the disk takes as long as the deadline at least. */
  const timed = async <T>(work: Promise<T>): Promise<T> => {
    const startedAt = performance.now()
    const result = await work
    expect(performance.now() - startedAt, 'milliseconds').to.be.below(DEADLINES.read)
    return result
  }
  /** Not even a kill ends what waits for such a device, as with a disk that is gone without a word. */
  const hang = () => run('dmsetup', 'suspend', '--nolockfs', '--noflush', HANGING)
  const answer = () => run('dmsetup', 'resume', HANGING)

  before(attachDisks)
  after(detachDisks)
  beforeEach(async () => {
    await wipe(disk(0), disk(1))
    const sectors = Number(await run('blockdev', '--getsz', disk(0)))
    await run('dmsetup', 'create', HANGING, '--table', `0 ${sectors} linear ${disk(0)} 0`)
    await run('dmsetup', 'create', ABOVE, '--table', `0 ${sectors} linear /dev/mapper/${HANGING} 0`)
    await settle()
    changes = []
    node = await startNode(usualRunner, {
      deadlines: DEADLINES,
      onStuckChange: (name) => changes.push(name),
    })
    hung = await made(HUNG, PATH)
    sound = await made(SOUND, disk(1))
  })
  afterEach(async () => {
    await answer()
    await node.close()
    await wipe(disk(0), disk(1))
  })

  it('makes its group stuck while a report waits, starts nothing behind it, and the other group goes on', async () => {
    const before = await create(hung)
    await hang()
    expect(await unseen()).to.include({ name: HUNG, reason: 'Stuck' })
    expect((await unseen())?.message).to.match(/"lvm fullreport" was started at \S+ and has not ended/)
    expect(await waiting()).to.equal(1)

    for (let times = 0; times < 3; times += 1) {
      const { groups } = await timed(node.volumes.inventory())
      expect(groups.map(({ name }) => name)).to.deep.equal([SOUND])
      expect(await timed(thrownBy(create(hung)))).to.be.instanceOf(Stuck)
      expect(await timed(thrownBy(ensure(node.volumes, [PATH], { name: HUNG })))).to.be.instanceOf(Stuck)
      expect(await timed(thrownBy(node.volumes.findVolume(before.handle)))).to.be.instanceOf(Stuck)
    }
    expect(await waiting()).to.equal(1)
    const volume = await create(sound)
    expect((await node.volumes.inventory()).volumes.map(({ name }) => name)).to.deep.equal([volume.name])
    expect(changes).to.deep.equal([HUNG])

    await answer()
    await eventually('the group is read again', async () => (await unseen()) === undefined)
    expect(changes).to.deep.equal([HUNG, HUNG])
    expect(await node.volumes.findVolume(before.handle)).to.include({ name: before.name })
    await create(hung)
    expect(await waiting()).to.equal(0)
  })

  it('makes its group stuck while a change waits, which is not killed and takes effect when the disk answers', async () => {
    const before = await create(hung)
    await hang()
    const request = requestFor(hung, 8n * MIB)
    expect(await thrownBy(node.volumes.createVolume(request))).to.be.instanceOf(OutcomeUnknown)
    expect(await timed(unseen())).to.include({ reason: 'Stuck' })
    expect((await unseen())?.message).to.match(/"lvm lvcreate loam-hung" was started at/)
    await create(sound)
    await answer()
    await eventually('the group is read again', async () => (await unseen()) === undefined)
    const { volumes } = await node.volumes.inventory()
    const names = volumes.filter(({ groupName }) => groupName === HUNG).map(({ name }) => name)
    expect(names).to.have.members([before.name, request.name])
    const again = await node.volumes.createVolume(request)
    expect(again.name).to.equal(request.name)
  })

  it('is asked once: a disk that hangs when it is looked at is refused, and costs its group nothing', async () => {
    node.volumes.forgetGroup(HUNG)
    await hang()
    const { group, disks, problem } = await ensure(node.volumes, [disk(1), PATH], { name: SOUND })
    expect(problem).to.equal(undefined)
    expect(group?.uuid).to.equal(sound.uuid)
    expect(disks.map(({ state, reason }) => [state, reason])).to.deep.equal([
      ['Accepted', 'Member'],
      ['Refused', 'Unreadable'],
    ])
    const again = await ensure(node.volumes, [disk(1), PATH], { name: SOUND })
    expect(again.disks[1]?.message).to.match(/was started at \S+ and has not ended/)
    await create(sound)
  })
})
