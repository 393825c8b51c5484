import { expect } from 'chai'

import type { EnsureGroupRequest, EnsureGroupResult, RecordedDisk } from '../../../lvm/types.ts'
import {
  attachDisks,
  detachDisks,
  disk,
  ensure,
  GROUP,
  groupOn,
  handMadeLvm,
  MIB,
  requestFor,
  run,
  settle,
  startNode,
  wipe,
  type Node,
} from './fixture.ts'

const SECTORS_PER_MIB = 2048n
const MAPPED = '/dev/mapper/loam-test-size'

describe('the disks of a volume group', function () {
  this.timeout(180_000)
  let node: Node

  const restart = async (): Promise<void> => {
    await node.close()
    node = await startNode()
  }

  before(() => attachDisks())
  after(detachDisks)
  beforeEach(async () => {
    await wipe(disk(0), disk(1))
    node = await startNode()
  })
  afterEach(async () => {
    await node.close()
    await wipe(disk(0), disk(1))
  })

  const recordedIn = ({ disks }: EnsureGroupResult): RecordedDisk[] =>
    disks.flatMap(({ recorded }) => recorded ?? [])
  const openDisks = ({ group }: EnsureGroupResult): boolean[] | undefined =>
    group?.physicalVolumes.map(({ allocatable }) => allocatable)

  it('are closed when they leave the list, by UUID and once, and opened when they are back', async () => {
    const both = await ensure(node.volumes, [disk(0), disk(1)])
    const recordedDisks = recordedIn(both)
    const closed = await ensure(node.volumes, [disk(0)], { recordedDisks })
    expect(closed.problem).to.equal(undefined)
    expect(closed.disks.map(({ path, reason }) => [path, reason])).to.deep.equal([
      [disk(0), 'Member'],
      [disk(1), 'Closed'],
    ])
    expect(openDisks(closed)).to.deep.equal([true, false])
    expect(closed.group?.physicalVolumes).to.have.length(2)
    expect(closed.group?.seqno).to.equal((both.group?.seqno ?? 0) + 1)

    await restart()
    const again = await ensure(node.volumes, [disk(0)], {
      recordedDisks,
      expectedGroupUuid: both.group?.uuid ?? '',
    })
    expect(again.problem, 'the closed disk is no missing one').to.equal(undefined)
    expect(again.group?.seqno, 'nothing is written again').to.equal(closed.group?.seqno)

    const opened = await ensure(node.volumes, [disk(0), disk(1)], { recordedDisks })
    expect(openDisks(opened)).to.deep.equal([true, true])
    expect(opened.disks.map(({ reason }) => reason)).to.deep.equal(['Member', 'Member'])
  })

  it('keep their volumes while they are closed', async () => {
    const both = await ensure(node.volumes, [disk(0), disk(1)])
    if (both.group === undefined) throw new Error('no group')
    const made = await node.volumes.createVolume(requestFor(both.group, 500n * MIB, { content: 'block' }))
    await ensure(node.volumes, [disk(0)], { recordedDisks: recordedIn(both) })
    expect((await node.volumes.findVolume(made.handle))?.sizeBytes).to.equal(made.sizeBytes)
    await node.volumes.prepareVolume(made.handle, { kind: 'block' })
    await node.volumes.releaseVolume(made.handle)
  })

  it('stay as they are when a person closed one, or while classes differ about them', async () => {
    const both = await ensure(node.volumes, [disk(0), disk(1)])
    await handMadeLvm('pvchange', '--allocatable', 'n', await run('realpath', disk(1)))
    const byHand = await ensure(node.volumes, [disk(0), disk(1)])
    expect(byHand.disks.map(({ reason }) => reason)).to.deep.equal(['Member', 'ClosedByHand'])
    expect(openDisks(byHand)).to.deep.equal([true, false])
    const kept = await ensure(node.volumes, [disk(1)], { recordedDisks: recordedIn(both), keepDisks: true })
    expect(kept.problem).to.equal(undefined)
    expect(kept.group?.seqno).to.equal(byHand.group?.seqno)
  })

  it('take in no disk, and make no group, while classes differ about them', async () => {
    const none = await ensure(node.volumes, [disk(0)], { keepDisks: true })
    expect(none.problem?.reason).to.equal('ListsDiffer')
    await groupOn(node.volumes, disk(0))
    const kept = await ensure(node.volumes, [disk(0), disk(1)], { keepDisks: true })
    expect(kept.disks.map(({ reason }) => reason)).to.deep.equal(['Member', 'Blank'])
    expect(kept.group?.physicalVolumes).to.have.length(1)
  })

  describe('that change their size', () => {
    const resizeTo = async (mib: bigint, how: 'create' | 'reload'): Promise<void> => {
      const table = `0 ${mib * SECTORS_PER_MIB} linear ${disk(0)} 0`
      const uuid = how === 'create' ? ['--uuid', 'loam-test-size'] : []
      await run('dmsetup', how, 'loam-test-size', ...uuid, '--table', table)
      if (how === 'reload') await run('dmsetup', 'resume', 'loam-test-size')
      await settle()
    }
    const ensureMapped = (
      growToBytes?: bigint,
      other: Partial<EnsureGroupRequest> = {},
    ): Promise<EnsureGroupResult> =>
      ensure(node.volumes, [], {
        disks: [{ path: MAPPED, ...(growToBytes === undefined ? {} : { growToBytes }) }],
        ...other,
      })

    afterEach(() => run('dmsetup', 'remove', '--retry', 'loam-test-size'))

    it('are grown only on request, and only to the size that was asked for', async () => {
      await resizeTo(200n, 'create')
      const small = await ensureMapped()
      await resizeTo(300n, 'reload')
      const seen = await ensureMapped()
      expect(seen.disks[0]).to.include({ state: 'Accepted', reason: 'Grown' })
      expect(seen.disks[0]?.message).to.contain(`growTo: "${300n * MIB}"`)
      expect(seen.group?.sizeBytes).to.equal(small.group?.sizeBytes)
      const wrong = await ensureMapped(250n * MIB)
      expect(wrong.disks[0]?.reason).to.equal('Grown')
      expect(wrong.group?.sizeBytes).to.equal(small.group?.sizeBytes)
      const grown = await ensureMapped(300n * MIB)
      expect(grown.disks[0]).to.include({ state: 'Accepted', reason: 'Member' })
      expect((grown.group?.sizeBytes ?? 0n) - (small.group?.sizeBytes ?? 0n)).to.equal(100n * MIB)
      const again = await ensureMapped(300n * MIB)
      expect(again.group?.seqno, 'once').to.equal(grown.group?.seqno)
    })

    it('freeze the group when they have shrunk', async () => {
      await resizeTo(300n, 'create')
      const made = await ensureMapped()
      await resizeTo(200n, 'reload')
      const { problem, disks } = await ensureMapped(undefined, { recordedDisks: recordedIn(made) })
      expect(problem?.reason).to.equal('DiskShrunk')
      expect(disks[0]).to.include({ state: 'Refused', reason: 'Shrunk' })
      await resizeTo(300n, 'reload')
      expect((await ensureMapped()).problem).to.equal(undefined)
      expect(await run('lvm', 'vgs', '--noheadings', '-o', 'vg_name')).to.contain(GROUP)
    })
  })
})
