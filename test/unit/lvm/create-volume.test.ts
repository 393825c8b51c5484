import { expect } from 'chai'

import { groupTagsOf, tagsOf, UNERASED_TAG, type VolumeRecord } from '../../../core/volume-tags.ts'
import { ActiveVolumes } from '../../../lvm/active-volumes.ts'
import type { CommandResult } from '../../../lvm/command-runner.ts'
import { createVolume } from '../../../lvm/create-volume.ts'
import { DiskStates } from '../../../lvm/disk-state.ts'
import { CommandFailed, Conflict, Frozen, NoSpace, OutcomeUnknown, Refused } from '../../../lvm/errors.ts'
import { KnownGroup } from '../../../lvm/known-groups.ts'
import type { LvmCommand } from '../../../lvm/lvm-command.ts'
import type { Lvm } from '../../../lvm/lvm.ts'
import { StuckWork } from '../../../lvm/stuck-work.ts'
import { ThinCheck } from '../../../lvm/thin-check.ts'
import type { CreateVolumeRequest } from '../../../lvm/types.ts'
import { thrownBy } from './thrown.ts'

const GROUP_UUID = 'KYbmKl-OObQ-pxf3-93R2-aWCZ-RoZh-FZMwWW'
const EXTENT = 4n << 20n
const RECORD: VolumeRecord = {
  state: 'new',
  clusterId: 'c1',
  claimUid: 'u1',
  claimNamespace: 'ns',
  claimName: 'data',
  storageClassName: 'fast',
  erase: 'zero',
  content: 'ext4',
}
const REQUEST: CreateVolumeRequest = {
  groupName: 'loam-fast',
  groupUuid: GROUP_UUID,
  name: 'pvc-u1',
  sizeBytes: 10n * EXTENT,
  layout: { name: 'linear' },
  record: RECORD,
}

/** A linear volume needs none but LVM. */
const NO_PROGRAMS = { run: () => Promise.reject(new Error('no program is run')) }

interface Stored {
  readonly name: string
  readonly extents: bigint
  readonly tags: readonly string[]
  readonly segmentType?: string
}

/**
 * LVM that holds a group in memory, for the faults that the real one shows too seldom. Its disk is a
 * file, so that flushing has something to open.
 */
class LvmInMemory implements Lvm {
  readonly ran: string[] = []
  volumes: Stored[] = []
  extents = 100n
  missing = 0
  /** Whether its disk is open for new volumes. */
  isOpen = true
  /** Of the empty group; each volume counts one up, as with the real one. */
  seqno = 1
  groupTags = groupTagsOf('c1')
  /** What an lvcreate does, and how it ends. */
  onCreate: (wanted: Stored) => Partial<CommandResult> = (wanted) => {
    this.volumes.push(wanted)
    return {}
  }

  run(command: LvmCommand): Promise<CommandResult> {
    this.ran.push(command.name)
    const option = (name: string): string => command.options[command.options.indexOf(name) + 1] ?? ''
    const tags = command.options.filter((_option, index) => command.options[index - 1] === '--addtag')
    const outcome = this.onCreate({ name: option('--name'), extents: BigInt(option('--extents')), tags })
    return Promise.resolve({ exitCode: 0, stdout: '', stderr: '', report: '', ...outcome })
  }

  read(command: LvmCommand): Promise<string> {
    this.ran.push(command.name)
    const used = this.volumes.reduce((sum, volume) => sum + volume.extents, 0n)
    const vg = {
      vg_name: 'loam-fast',
      vg_uuid: GROUP_UUID,
      vg_size: `${this.extents * EXTENT}`,
      vg_free: `${(this.extents - used) * EXTENT}`,
      vg_extent_size: `${EXTENT}`,
      vg_seqno: `${this.seqno + this.volumes.length}`,
      vg_tags: this.groupTags.join(','),
      vg_missing_pv_count: `${this.missing}`,
    }
    const lv = this.volumes.map((volume) => ({
      lv_name: volume.name,
      lv_uuid: `uuid-${volume.name}`,
      lv_size: `${volume.extents * EXTENT}`,
      lv_tags: volume.tags.join(','),
      lv_active: '',
      lv_device_open: 'unknown',
      lv_health_status: '',
      sync_percent: '',
    }))
    const seg = this.volumes.map(({ name, segmentType = 'linear' }) => ({
      lv_uuid: `uuid-${name}`,
      segtype: segmentType,
    }))
    const pv = {
      ...{ pv_name: import.meta.filename, pv_uuid: 'uuid-of-disk', pv_size: vg.vg_size, pv_free: vg.vg_free },
      ...{ pv_missing: '', pv_in_use: 'used', pv_allocatable: this.isOpen ? 'allocatable' : '', pv_tags: '' },
      ...{ pe_start: '1048576', vg_uuid: GROUP_UUID },
    }
    const free = { pvseg_start: `${used}`, pvseg_size: `${this.extents - used}`, segtype: 'free' }
    const pvseg = this.extents === used ? [] : [{ pv_uuid: pv.pv_uuid, ...free }]
    return Promise.resolve(JSON.stringify({ report: [{ vg: [vg], pv: [pv], lv, seg, pvseg }] }))
  }
}

const start = () => {
  const lvm = new LvmInMemory()
  const known = new KnownGroup(
    { lvm, stuck: new StuckWork('volume group'), disks: new DiskStates(), active: new ActiveVolumes() },
    { name: 'loam-fast', uuid: GROUP_UUID, devices: [] },
  )
  const tools = { lvm, known, hostRunner: NO_PROGRAMS, thinCheck: new ThinCheck(NO_PROGRAMS) }
  return {
    lvm,
    known,
    create: async (request = REQUEST) => (await createVolume(tools, request)).volume,
  }
}

describe('create volume', () => {
  it('takes one lvcreate and one report once the group is known', async () => {
    const { lvm, create } = start()
    const made = await create()
    expect(made).to.deep.include({ name: 'pvc-u1', sizeBytes: 10n * EXTENT, record: RECORD })
    lvm.ran.length = 0
    await create({ ...REQUEST, name: 'pvc-u2', record: { ...RECORD, claimUid: 'u2' } })
    expect(lvm.ran).to.deep.equal(['lvcreate', 'fullreport'])
  })

  it('returns what an earlier try made, and makes nothing', async () => {
    const { lvm, create } = start()
    const first = await create()
    expect(await create()).to.deep.equal(first)
    expect(lvm.ran.filter((name) => name === 'lvcreate')).to.have.length(1)
  })

  it('returns it also in a group that is full by now', async () => {
    const { lvm, create } = start()
    await create()
    lvm.extents = 10n
    expect((await create()).name).to.equal('pvc-u1')
  })

  it('believes no exit status: 0 that made nothing is a failure', async () => {
    const { lvm, create } = start()
    lvm.onCreate = () => ({ exitCode: 0, stderr: 'Cannot zero inactive logical volume' })
    expect(await thrownBy(create()))
      .to.be.instanceOf(CommandFailed)
      .with.property('message')
      .that.matches(/Cannot zero/)
  })

  it('believes no exit status: an error that made it is a success', async () => {
    const { lvm, create } = start()
    lvm.onCreate = (wanted) => {
      lvm.volumes.push(wanted)
      return { exitCode: 5 }
    }
    expect((await create()).name).to.equal('pvc-u1')
  })

  it('says what is free when it does not fit', async () => {
    const { lvm, create } = start()
    lvm.extents = 9n
    const error = await thrownBy(create())
    expect(error)
      .to.be.instanceOf(NoSpace)
      .and.to.include({ requestedBytes: 10n * EXTENT, largestBytes: 9n * EXTENT })
    expect(lvm.ran).not.to.include('lvcreate')
  })

  it('gives nothing of a disk that is closed for new volumes', async () => {
    const { lvm, create } = start()
    lvm.isOpen = false
    const error = await thrownBy(create())
    expect(error).to.be.instanceOf(NoSpace).and.to.include({ largestBytes: 0n })
    expect((error as Error).message).to.contain('no disk is open for new volumes')
    expect(lvm.ran).not.to.include('lvcreate')
  })

  it('says for which layout it does not fit, and what is free on each disk', async () => {
    const { lvm, create } = start()
    const error = await thrownBy(create({ ...REQUEST, layout: { name: 'raid1', mirrors: 1 } }))
    expect((error as Error).message).to.match(
      /raid1 over 2 disks\), at most 0 B fits .* free on its disks: \S+ 400 MiB/,
    )
    expect(lvm.ran).not.to.include('lvcreate')
  })

  it('asks again before it refuses: space may have come back behind its back', async () => {
    const { lvm, known, create } = start()
    lvm.extents = 5n
    await known.fresh()
    lvm.extents = 100n
    expect((await create()).name).to.equal('pvc-u1')
  })

  it('finds out when space went away behind its back', async () => {
    const { lvm, known, create } = start()
    await known.fresh()
    lvm.extents = 5n
    lvm.onCreate = () => ({ exitCode: 5, stderr: 'insufficient free space' })
    expect(await thrownBy(create())).to.be.instanceOf(NoSpace)
  })

  it('leaves alone a volume of the name that belongs to another claim, or is too small', async () => {
    for (const taken of [
      { name: 'pvc-u1', extents: 10n, tags: [] },
      { name: 'pvc-u1', extents: 10n, tags: tagsOf({ ...RECORD, claimUid: 'other' }) },
      { name: 'pvc-u1', extents: 10n, tags: tagsOf({ ...RECORD, clusterId: 'other' }) },
      { name: 'pvc-u1', extents: 9n, tags: tagsOf(RECORD) },
    ]) {
      const { lvm, create } = start()
      lvm.volumes = [taken]
      expect(await thrownBy(create())).to.be.instanceOf(Conflict)
      expect(lvm.ran).not.to.include('lvcreate')
    }
  })

  it('reports a volume that came out otherwise than asked', async () => {
    const { lvm, create } = start()
    lvm.onCreate = (wanted) => {
      lvm.volumes.push({ ...wanted, segmentType: 'striped' })
      return {}
    }
    expect(await thrownBy(create())).to.be.instanceOf(OutcomeUnknown)
  })

  const broken: [string, (lvm: LvmInMemory) => void, abstract new (...args: never[]) => Error][] = [
    ['disks are missing', (lvm) => (lvm.missing = 1), Frozen],
    ['the group lost its tags', (lvm) => (lvm.groupTags = []), Conflict],
    ['the group is of another cluster', (lvm) => (lvm.groupTags = groupTagsOf('c2')), Conflict],
  ]
  for (const [what, breakIt, expected] of broken)
    it(`runs no lvcreate when ${what}`, async () => {
      const { lvm, create } = start()
      breakIt(lvm)
      expect(await thrownBy(create())).to.be.instanceOf(expected)
      expect(lvm.ran).not.to.include('lvcreate')
    })

  it('makes no block volume where space was let go unerased', async () => {
    const { lvm, create } = start()
    lvm.groupTags = [...groupTagsOf('c1'), UNERASED_TAG]
    const request: CreateVolumeRequest = { ...REQUEST, record: { ...RECORD, content: 'block' } }
    expect(await thrownBy(create(request))).to.be.instanceOf(Refused)
    expect(lvm.ran).not.to.include('lvcreate')
    expect(await create()).to.deep.include({ name: 'pvc-u1' })
  })

  it('freezes when the metadata goes back in time', async () => {
    const { lvm, known, create } = start()
    lvm.seqno = 9
    await known.fresh()
    lvm.seqno = 8
    expect(await thrownBy(known.fresh()))
      .to.be.instanceOf(Frozen)
      .and.to.include({ because: 'MetadataWentBack' })
    expect(await thrownBy(create())).to.be.instanceOf(Frozen)
  })

  const refused: [string, CreateVolumeRequest][] = [
    ['a state other than new', { ...REQUEST, record: { ...RECORD, state: 'used' } }],
    ['erase none for a block volume', { ...REQUEST, record: { ...RECORD, content: 'block', erase: 'none' } }],
    ['no size', { ...REQUEST, sizeBytes: 0n }],
    [
      'an xfs that mkfs would refuse',
      { ...REQUEST, record: { ...RECORD, content: 'xfs' }, sizeBytes: 299n << 20n },
    ],
    ['a name that is an option', { ...REQUEST, name: '-f' }],
    ['a tag that LVM cannot hold', { ...REQUEST, record: { ...RECORD, claimName: 'a b' } }],
  ]
  for (const [what, request] of refused)
    it(`refuses ${what} before anything runs`, async () => {
      const { lvm, create } = start()
      expect(await thrownBy(create(request))).to.be.instanceOf(Refused)
      expect(lvm.ran).not.to.include('lvcreate')
    })
})
