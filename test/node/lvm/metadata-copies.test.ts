import { readdir, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'

import { expect } from 'chai'

import { silentLogger, type Logger } from '../../../core/logger.ts'
import type { VolumeGroup } from '../../../lvm/types.ts'
import { eventually } from '../../support/eventually.ts'
import { writeAt } from './arrange.ts'
import {
  attachDisks,
  detachDisks,
  disk,
  GROUP,
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

const DIRECTORY = '/run/loam-test/copies'
const COPY_WITHIN_MS = 60_000

/** A log that keeps its warnings. */
const warningLog = (): { readonly log: Logger; readonly warnings: string[] } => {
  const warnings: string[] = []
  const log: Logger = {
    ...silentLogger,
    warn: (message, fields) => void warnings.push(`${message}: ${String(fields?.error)}`),
    child: () => log,
  }
  return { log, warnings }
}

describe('copies of metadata on a disk of the node', function () {
  this.timeout(240_000)
  let node: Node
  let group: VolumeGroup
  let commands: ReturnType<typeof recordingRunner>['commands']
  let warnings: string[]

  const start = async (): Promise<void> => {
    const runner = recordingRunner()
    const { log, ...kept } = warningLog()
    commands = runner.commands
    warnings = kept.warnings
    node = await startNode(runner, { metadataDirectory: DIRECTORY, log })
  }
  const copiesMade = (): number => commands.filter((each) => lvmSubcommand(each) === 'vgcfgbackup').length
  const names = (): Promise<string[]> => readdir(DIRECTORY).catch(() => [])
  const seqnoNow = async (): Promise<number> =>
    Number(await handMadeLvm('vgs', '--noheadings', '-o', 'vg_seqno', GROUP))
  /** Path of the copy of what is there now, once it is kept. */
  const copyOfNow = async (): Promise<string> => {
    const start = `${GROUP}_${group.uuid}_${await seqnoNow()}_`
    const name = await eventually(
      `a copy named ${start}`,
      async () => (await names()).find((each) => each.startsWith(start) && each.endsWith('.vg')),
      COPY_WITHIN_MS,
    )
    return join(DIRECTORY, name)
  }
  const create = () => node.volumes.createVolume(requestFor(group, 4n * MIB))

  before(() => attachDisks())
  after(detachDisks)
  beforeEach(async () => {
    await rm(DIRECTORY, { recursive: true, force: true })
    await wipe(disk(0), disk(1))
    await start()
    group = await groupOn(node.volumes, disk(0))
  })
  afterEach(async () => {
    await node.close()
    await wipe(disk(0), disk(1))
    await rm(DIRECTORY, { recursive: true, force: true })
  })

  it('is one for a burst of volumes, outside of their way, and none after a restart', async () => {
    const volumes = await Promise.all(Array.from({ length: 10 }, create))
    const during = copiesMade()
    const text = await readFile(await copyOfNow(), 'utf8')
    for (const { name, handle } of volumes) expect(text).to.include(name).and.include(handle.volumeUuid)
    expect(during).to.be.at.most(1)
    expect(copiesMade()).to.be.within(1, 2)

    const before = await names()
    await node.close()
    await start()
    await groupOn(node.volumes, disk(0))
    await node.volumes.inventory()
    await eventually('a look at the metadata', () => copiesMade() > 0, COPY_WITHIN_MS)
    await eventually('its end', async () => (await readdir('/run/loam-test/lvm/metadata')).length === 0)
    expect(await names(), 'nothing has changed').to.deep.equal(before)
  })

  it('brings a group back whose disk has lost everything of LVM', async () => {
    const volume = await create()
    const copy = await copyOfNow()
    const [member] = (await node.volumes.inventory()).groups[0]?.physicalVolumes ?? []
    await writeAt(disk(0), 0, Buffer.alloc(20 * 1024 * 1024))
    const { groups } = await node.volumes.inventory()
    expect(groups, 'not seen any more').to.deep.equal([])

    await handMadeLvm('pvcreate', '--uuid', member?.uuid ?? '', '--restorefile', copy, disk(0))
    await handMadeLvm('vgcfgrestore', '--file', copy, GROUP)
    expect(await node.volumes.findVolume(volume.handle)).to.include({
      name: volume.name,
      sizeBytes: 4n * MIB,
    })
  })

  const faults = [
    {
      what: 'full',
      mounted: 'nr_inodes=2',
      remounted: 'rw',
      error: /^No copy of the metadata was kept.*ENOSPC/,
    },
    { what: 'read-only', mounted: 'rw', remounted: 'ro', error: /^No copy of the metadata was kept.*EROFS/ },
  ]
  for (const { what, mounted, remounted, error } of faults)
    it(`disturbs nothing when the file system is ${what}, and says so once`, async () => {
      await run('mkdir', '--parents', DIRECTORY)
      await run('mount', '-t', 'tmpfs', '-o', mounted, 'tmpfs', DIRECTORY)
      try {
        await run('touch', join(DIRECTORY, 'other'))
        await run('mount', '-o', `remount,${remounted}`, DIRECTORY)
        const volume = await create()
        await eventually('a warning', () => warnings.length > 0, COPY_WITHIN_MS)
        expect(warnings[0]).to.match(error)
        expect(await node.volumes.findVolume(volume.handle)).to.include({ name: volume.name })
        await create()
        await node.volumes.inventory()
        expect(warnings).to.have.length(1)
        expect(await names(), 'no half-written file').to.deep.equal(['other'])
      } finally {
        await run('umount', DIRECTORY)
      }
    })
})
