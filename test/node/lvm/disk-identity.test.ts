import { expect } from 'chai'
import { readdir, readFile, realpath, rm, symlink } from 'node:fs/promises'

import type { RecordedDisk } from '../../../lvm/types.ts'
import { eventually } from '../../support/eventually.ts'
import {
  attachDisks,
  detachDisks,
  disk,
  ensure,
  GROUP,
  groupOn,
  run,
  settle,
  sha256,
  startNode,
  wipe,
  type Node,
} from './fixture.ts'

const LINK = '/dev/loam-test-link'

const pointLinkAt = async (path: string): Promise<void> => {
  await rm(LINK, { force: true })
  await symlink(await realpath(path), LINK)
}

describe('which disk a path leads to', function () {
  this.timeout(180_000)
  let node: Node

  before(() => attachDisks(128))
  after(detachDisks)
  beforeEach(async () => {
    await wipe(disk(0), disk(1))
    node = await startNode()
  })
  afterEach(async () => {
    await node.close()
    await rm(LINK, { force: true })
    await wipe(disk(0), disk(1))
  })

  /** Takes disks, and gives what the agent writes down about them. */
  const accept = async (paths: readonly string[]): Promise<RecordedDisk[]> => {
    const { disks, problem } = await ensure(node.volumes, paths)
    expect(problem).to.equal(undefined)
    return disks.flatMap(({ recorded }) => recorded ?? [])
  }

  it('refuses another blank disk under the path of an accepted one, and changes nothing', async () => {
    await pointLinkAt(disk(0))
    const recordedDisks = await accept([LINK])
    expect(recordedDisks[0]?.id).to.match(/^naa\./)
    await pointLinkAt(disk(1))
    const before = await sha256(disk(1))
    const { disks, problem } = await ensure(node.volumes, [LINK], { recordedDisks })
    expect(disks[0]).to.include({ state: 'Refused', reason: 'OtherDisk' })
    expect(disks[0]?.recorded).to.deep.equal(recordedDisks[0])
    expect(problem?.reason).to.equal('GroupMissing')
    expect(await sha256(disk(1))).to.equal(before)

    await pointLinkAt(disk(0))
    const back = await ensure(node.volumes, [LINK], { recordedDisks })
    expect(back.disks[0]).to.include({ state: 'Accepted', reason: 'Member' })
    expect(back.problem).to.equal(undefined)
  })

  it('takes no disk of the group for a blank one after its label was wiped', async () => {
    const recordedDisks = await accept([disk(0), disk(1)])
    await run('blkdiscard', '--force', '--zeroout', disk(1))
    const { group, disks, problem } = await ensure(node.volumes, [disk(0), disk(1)], { recordedDisks })
    expect(disks.map(({ reason }) => reason)).to.deep.equal(['Member', 'LabelLost'])
    expect(problem?.reason).to.equal('DisksMissing')
    expect(group?.missingPhysicalVolumes).to.equal(1)
  })

  it('freezes the group when a copy of its disk turns up, names both, and thaws without it', async () => {
    const made = await groupOn(node.volumes, disk(0))
    await run('dd', `if=${disk(0)}`, `of=${disk(1)}`, 'bs=1M', 'count=20', 'conv=fsync', 'status=none')
    const { group, problem } = await ensure(node.volumes, [disk(0), disk(1)])
    expect(problem?.reason).to.equal('DuplicatePhysicalVolumes')
    expect(problem?.message).to.contain(disk(0)).and.to.contain(disk(1))
    expect(group?.uuid, 'still shown').to.equal(made.uuid)
    await wipe(disk(1))
    expect((await groupOn(node.volumes, disk(0))).uuid).to.equal(made.uuid)
  })
})

describe('two paths to one disk', function () {
  this.timeout(120_000)
  let paths: string[] = []

  before(async () => {
    // without the host's number in them, the identities of both hosts' disks are the same
    await run('modprobe', 'scsi_debug', 'dev_size_mb=128', 'add_host=2', 'vpd_use_hostno=0', 'delay=0')
    // the kernel finds disks after modprobe has returned
    paths = await eventually('both paths are there', async () => {
      await settle()
      const names = await readdir('/sys/block')
      const models = await Promise.all(
        names.map((name) => readFile(`/sys/block/${name}/device/model`, 'utf8').catch(() => '')),
      )
      const found = names.filter((_name, index) => models[index]?.trim() === 'scsi_debug')
      return found.length === 2 && found.map((name) => `/dev/${name}`)
    })
  })
  after(() => run('modprobe', '--remove', 'scsi_debug'))

  it('are refused, listed both or alone', async () => {
    expect(paths).to.have.length(2)
    const node = await startNode()
    try {
      const both = await ensure(node.volumes, paths)
      expect(both.disks.map(({ reason }) => reason)).to.deep.equal(['SharedId', 'SharedId'])
      const alone = await ensure(node.volumes, paths.slice(0, 1))
      expect(alone.disks[0]?.reason).to.equal('SharedId')
      expect(alone.disks[0]?.message).to.contain(paths[1])
      expect(alone.group).to.equal(undefined)
      expect(await run('lvm', 'vgs', '--noheadings', '-o', 'vg_name')).not.to.contain(GROUP)
    } finally {
      await node.close()
    }
  })
})
