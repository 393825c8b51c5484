import { expect } from 'chai'
import { execa } from 'execa'
import { readFile } from 'node:fs/promises'

import { silentLogger } from '../../../core/logger.ts'
import { ActiveVolumes } from '../../../lvm/active-volumes.ts'
import { createCommandRunner } from '../../../lvm/command-runner.ts'
import { withDirectFile } from '../../../lvm/direct-read.ts'
import { DiskStates } from '../../../lvm/disk-state.ts'
import { readDiskText } from '../../../lvm/disk-text.ts'
import { readGroupOnDisks } from '../../../lvm/group-on-disks.ts'
import { KnownGroup } from '../../../lvm/known-groups.ts'
import { createLvm } from '../../../lvm/lvm.ts'
import { AREA_HEADER_BYTES, HEAD_BYTES, parseAreaHeader, parseLabel } from '../../../lvm/metadata-header.ts'
import { parseMetadataText } from '../../../lvm/metadata-text.ts'
import type { GroupReport } from '../../../lvm/report.ts'
import { StuckWork } from '../../../lvm/stuck-work.ts'
import { attachDisks, detachDisks, disk, handMadeLvm, run, startNode, wipe } from './fixture.ts'

const GROUP = 'loam-text'
const COPY = '/run/loam-test/text.vg'
const INACTIVE = ['--activate', 'n', '--zero', 'n', '--wipesignatures', 'n'] as const
/** Every sign that LVM allows in a tag. */
const TAGS = ['--addtag', 'loam.claim=ns/a-b', '--addtag', 'A_z.0+-/=!:&#']

describe('a group read from its disks', function () {
  this.timeout(120_000)
  const disks = new DiskStates()
  const active = new ActiveVolumes()
  const lvm = createLvm(createCommandRunner({ log: silentLogger }), '/run/loam-test/lvm')

  const know = async (...devices: string[]): Promise<KnownGroup> => {
    const uuid = (await handMadeLvm('vgs', '--noheadings', '--options', 'vg_uuid', GROUP)).trim()
    return new KnownGroup(
      { lvm, stuck: new StuckWork('volume group'), disks, active },
      { name: GROUP, uuid, devices },
    )
  }
  const make = async (options: readonly string[], ...devices: string[]): Promise<KnownGroup> => {
    await handMadeLvm('vgcreate', ...options, '--addtag', 'loam.owner=loam.storage', GROUP, ...devices)
    return await know(...devices)
  }
  const create = (name: string, extents: number, ...options: string[]): Promise<string> =>
    handMadeLvm('lvcreate', ...INACTIVE, '--extents', `${extents}`, '--name', name, ...options, GROUP)
  const lv = (name: string): string => `${GROUP}/${name}`

  const onDisks = (known: KnownGroup, last: GroupReport): Promise<GroupReport | undefined> =>
    readGroupOnDisks({ disks, active }, known, last)

  /** Where LVM says that linear volumes lie, run by run. */
  const linearRunsByLvm = async ({ devices }: KnownGroup): Promise<Record<string, string>> => {
    const fields = ['--options', 'lv_uuid,segtype,seg_start_pe,seg_pe_ranges', '--sort', 'lv_uuid,seg_start']
    const options = ['--noheadings', '--separator', ';', ...fields]
    const rows = await lvm.read({ name: 'lvs', effect: 'read', options, operands: [GROUP] }, devices)
    const found: Record<string, string> = {}
    for (const row of rows.split('\n').filter((line) => line.includes(';linear;'))) {
      const [uuid = '', , , ranges = ''] = row.trim().split(';')
      found[uuid] = [found[uuid] ?? '', ranges].join(' ').trim()
    }
    return found
  }

  const linearRunsOf = ({ group, linearRuns }: GroupReport): Record<string, string> =>
    Object.fromEntries(
      [...(linearRuns ?? [])].map(([uuid, runs]) => {
        const ranges = runs.map(({ diskUuid, first, count }) => {
          const path = group.physicalVolumes.find((each) => each.uuid === diskUuid)?.devicePath
          return `${path}:${first}-${first + count - 1n}`
        })
        return [uuid, ranges.join(' ')]
      }),
    )

  /** What is read from the disks is what LVM reports, and what vgcfgbackup writes of it. */
  const isTheSame = async (known: KnownGroup): Promise<GroupReport> => {
    const report = await known.reread()
    const found = await onDisks(known, report)
    if (found === undefined) throw new Error('the disks could not tell')
    expect({ group: found.group, volumes: found.volumes }).to.deep.equal(report)
    expect(linearRunsOf(found)).to.deep.equal(await linearRunsByLvm(known))
    await handMadeLvm('vgcfgbackup', '--file', COPY, GROUP)
    const copy = parseMetadataText(await readFile(COPY, 'utf8'))
    for (const path of known.devices) {
      const { text } = await withDirectFile(path, readDiskText)
      expect(parseMetadataText(text.toString('latin1'))).to.deep.equal(copy)
    }
    return found
  }

  before(async () => {
    await attachDisks(72)
    await (await startNode()).close()
  })
  beforeEach(() => wipe(disk(0), disk(1)))
  after(async () => {
    await wipe(disk(0), disk(1))
    await detachDisks()
  })

  it('is what LVM reports: in parts, striped, with tags and a closed disk, and while a volume is active', async () => {
    const known = await make(['--setautoactivation', 'n'], disk(0), disk(1))
    expect((await isTheSame(known)).volumes).to.deep.equal([])
    for (const name of ['c', 'b', 'a']) await create(name, 3, ...TAGS)
    await handMadeLvm('lvremove', '--yes', lv('b'))
    const inTheGap = [...INACTIVE, '--extents', '9', '--name', 'parts', '--setautoactivation', 'n']
    await handMadeLvm('lvcreate', ...inTheGap, GROUP, disk(0))
    await create('stripes', 4, '--type', 'striped', '--stripes', '2', '--stripesize', '64k')
    await handMadeLvm('pvchange', '--allocatable', 'n', disk(1))
    await handMadeLvm('pvchange', '--addtag', 'loam.closed', '--addtag', 'a', disk(0))
    // LVM escapes what is between these quotation marks in the description of the command
    await run(
      'lvm',
      'lvchange',
      '--config',
      String.raw`log{prefix="\\ \" }"} backup{backup=0}`,
      '--addtag',
      'x',
      lv('a'),
    )
    const found = await isTheSame(known)
    const parts = found.volumes.find(({ name }) => name === 'parts')
    expect(found.linearRuns?.get(parts?.handle.volumeUuid ?? '')).to.have.length.of.at.least(2)

    await handMadeLvm('lvchange', '--activate', 'y', lv('a'))
    const report = await known.reread()
    const whileActive = await onDisks(known, report)
    expect(
      whileActive?.volumes.map(({ name, active: isActive, open }) => [name, isActive, open]),
    ).to.deep.equal(report.volumes.map(({ name, active: isActive }) => [name, isActive, name === 'a']))
    await handMadeLvm('lvchange', '--activate', 'n', lv('a'))
  })

  it('is what LVM reports, also where a text goes on at the start of a small metadata area', async () => {
    const known = await make(['--metadatasize', '32k', '--dataalignment', '4k'], disk(0))
    const long = Array.from({ length: 8 }, (_unused, index) => ['--addtag', `t${index}.${'x'.repeat(1000)}`])
    await create('one', 1, ...long.flat())
    const report = await known.reread()
    let wraps = 0
    for (let times = 0; times < 20 && wraps < 1; times += 1) {
      await handMadeLvm('lvchange', times % 2 === 0 ? '--addtag' : '--deltag', 'more', lv('one'))
      if (await goesOnAtTheStart(disk(0))) {
        wraps += 1
        expect((await onDisks(known, report))?.group.seqno).to.equal((await isTheSame(known)).group.seqno)
      }
    }
    expect(wraps).to.equal(1)
  })

  const goesOnAtTheStart = (path: string): Promise<boolean> =>
    withDirectFile(path, async (file) => {
      const [area] = parseLabel(await file.read(0n, HEAD_BYTES))?.areas ?? []
      if (area === undefined) throw new Error('no metadata area')
      const header = parseAreaHeader(await file.read(area.offsetBytes, AREA_HEADER_BYTES), area)
      const { offsetBytes = 0n, sizeBytes = 0n } = header?.text ?? {}
      return offsetBytes + sizeBytes > area.sizeBytes
    })

  it('is none before a disk that joined or left is known, nor with RAID, and then LVM is asked', async () => {
    const known = await make([], disk(0))
    const ofOne = await isTheSame(known)
    await handMadeLvm('vgextend', GROUP, disk(1))
    expect(await onDisks(known, ofOne), 'one disk of two is shown').to.equal(undefined)
    known.addDevices([disk(1)])
    expect(await onDisks(known, ofOne), 'LVM has not been asked since').to.equal(undefined)
    const ofTwo = await isTheSame(known)

    await create('mirrored', 1, '--type', 'raid1', '--mirrors', '1', '--nosync')
    expect(await onDisks(known, ofTwo)).to.equal(undefined)
    const asked = await known.current()
    expect(asked.volumes.map(({ name, segmentType }) => [name, segmentType])).to.deep.equal([
      ['mirrored', 'raid1'],
    ])
    await handMadeLvm('lvremove', '--yes', lv('mirrored'))

    await handMadeLvm('vgreduce', GROUP, disk(1))
    expect(await onDisks(known, ofTwo), 'one disk left').to.equal(undefined)
    await isTheSame(await know(disk(0)))
  })

  it('is none while one disk holds an older state, and when a disk holds none at all', async () => {
    const known = await make([], disk(0), disk(1))
    const before = await known.reread()
    const head = await withDirectFile(disk(1), (file) => file.read(0n, 1 << 20))
    await create('one', 1)
    expect((await onDisks(known, before))?.volumes).to.have.length(1)
    const dd = [`of=${disk(1)}`, 'bs=1M', 'count=1', 'oflag=direct', 'conv=notrunc', 'status=none']
    await execa('dd', dd, { input: head })
    expect(await onDisks(known, before)).to.equal(undefined)

    await wipe(disk(0), disk(1))
    await handMadeLvm('pvcreate', '--metadatacopies', '0', disk(1))
    const other = await make([], disk(0), disk(1))
    expect(await onDisks(other, await other.reread())).to.equal(undefined)
  })
})
