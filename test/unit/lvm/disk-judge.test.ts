import { expect } from 'chai'

import type { BlockDevice } from '../../../lvm/block-device.ts'
import { DISK_REASONS, judgeDisk } from '../../../lvm/disk-judge.ts'
import type { DeviceLook, DiskLook } from '../../../lvm/disk-look.ts'
import { CLOSED_TAG, type DiskContext } from '../../../lvm/disk-rule.ts'
import type { PhysicalVolume, RecordedDisk } from '../../../lvm/types.ts'
import { MIN_DISK_BYTES } from '../../../lvm/use-rules.ts'

const DEVICE: BlockDevice = {
  path: '/dev/disk/by-id/a',
  devicePath: '/dev/sda',
  kernelName: 'sda',
  deviceNumber: '8:0',
  id: 'naa.1',
  sizeBytes: 1n << 30n,
  sectorBytes: 512,
  readOnly: false,
  removable: false,
  partitions: [],
  holders: [],
  multipathHolders: [],
  mapperUuid: '',
  suspended: false,
  backingFile: '',
  diskName: 'sda',
}
const BLANK: DeviceLook = {
  kind: 'device',
  path: DEVICE.path,
  device: DEVICE,
  mountPoints: [],
  swap: false,
  unclaimed: true,
  content: { kind: 'zeros' },
}
const CONTEXT: DiskContext = {
  groupName: 'loam-fast',
  membership: undefined,
  labelUuid: undefined,
  sameDeviceAs: undefined,
  sameIdAs: [],
  listedFor: [],
  sectorBytes: 512,
  recorded: undefined,
  allowNonBlank: undefined,
}
const LABEL = {
  content: {
    kind: 'signature',
    signature: { kind: 'found', type: 'LVM2_member', uuid: 'pv-uuid', partitionTable: '' },
  },
} as const

const PHYSICAL_VOLUME: PhysicalVolume = {
  uuid: 'pv-uuid',
  devicePath: '/dev/sda',
  sizeBytes: (1n << 30n) - (20n << 20n),
  freeBytes: 0n,
  freeRuns: [],
  firstExtentAtBytes: 1n << 20n,
  missing: false,
  allocatable: true,
  tags: [],
}
const memberWith = (change: Partial<PhysicalVolume> = {}): Partial<DiskContext> => ({
  labelUuid: 'pv-uuid',
  membership: {
    kind: 'member',
    physicalVolume: { ...PHYSICAL_VOLUME, ...change },
    extentSizeBytes: 4n << 20n,
  },
})
const RECORDED: RecordedDisk = {
  path: DEVICE.path,
  id: DEVICE.id,
  sizeBytes: DEVICE.sizeBytes,
  physicalVolumeUuid: 'pv-uuid',
}

interface Case {
  readonly reason: string
  readonly look?: Partial<DeviceLook>
  readonly device?: Partial<BlockDevice>
  readonly context?: Partial<DiskContext>
}

const REFUSED: readonly Case[] = [
  { reason: 'SameDeviceTwice', context: { sameDeviceAs: '/dev/sda' } },
  { reason: 'LogicalVolume', device: { mapperUuid: 'LVM-abc' } },
  ...['sr0', 'fd0', 'ram1', 'zram0', 'nbd0', 'drbd1'].map((kernelName) => ({
    reason: 'UnsupportedDevice',
    device: { kernelName },
  })),
  {
    reason: 'DuplicatePhysicalVolume',
    look: LABEL,
    context: { membership: { kind: 'duplicate', others: ['/dev/sdb'] } },
  },
  { reason: 'Mounted', look: { mountPoints: ['/'] } },
  { reason: 'Swap', look: { swap: true } },
  { reason: 'HasPartitions', device: { partitions: ['8:1'] } },
  ...['/var/lib/kubelet/plugins/kubernetes.io~x/dev', '/dev/sdc', '/tmp/gone (deleted)'].map(
    (backingFile) => ({ reason: 'LoopDeviceInUse', device: { backingFile } }),
  ),
  { reason: 'Suspended', device: { suspended: true }, look: { content: { kind: 'unread' } } },
  { reason: 'OtherDisk', context: { recorded: { ...RECORDED, id: 'naa.2' } } },
  { reason: 'OtherDisk', device: { id: '' }, context: { recorded: RECORDED } },
  {
    reason: 'OtherDisk',
    look: LABEL,
    context: { ...memberWith(), recorded: { ...RECORDED, physicalVolumeUuid: 'another' } },
  },
  {
    reason: 'OtherDisk',
    device: { id: '' },
    context: { recorded: { ...RECORDED, id: '', sizeBytes: 1n } },
  },
  { reason: 'LabelLost', context: { recorded: RECORDED } },
  {
    reason: 'LabelLost',
    look: { content: { kind: 'data', firstNonZeroAt: 0n } },
    context: { recorded: RECORDED },
  },
  {
    reason: 'MarkedMissing',
    look: LABEL,
    context: { membership: { kind: 'markedMissing' }, labelUuid: 'pv-uuid' },
  },
  { reason: 'Shrunk', look: LABEL, context: memberWith({ sizeBytes: (1n << 30n) + 1n }) },
  {
    reason: 'Shrunk',
    look: LABEL,
    context: { ...memberWith(), recorded: { ...RECORDED, sizeBytes: 2n << 30n } },
  },
  { reason: 'MultipathMember', device: { multipathHolders: ['mpatha'], holders: ['dm-0'] } },
  ...[
    { type: 'c12a7328-f81f-11d2-ba4b-00a0c93ec93b', name: '' },
    { type: '21686148-6449-6e6f-744e-656564454649', name: '' },
    { type: '0xef', name: '' },
    { type: '0fc63daf-8483-4772-8e79-3d69d8477de4', name: 'my Boot disk' },
  ].map((partition) => ({ reason: 'ReservedPartition', look: { partition } })),
  { reason: 'InTwoGroups', context: { listedFor: ['loam-slow'] } },
  {
    reason: 'OtherGroup',
    look: LABEL,
    context: { membership: { kind: 'otherGroup', groupName: 'x', owner: 'not made by Loam' } },
  },
  { reason: 'Held', device: { holders: ['dm-0'] } },
  { reason: 'ReadOnly', device: { readOnly: true } },
  { reason: 'Removable', device: { removable: true } },
  { reason: 'TooSmall', device: { sizeBytes: MIN_DISK_BYTES - 1n } },
  { reason: 'OrphanPhysicalVolume', look: LABEL, context: { membership: { kind: 'noGroup' } } },
  {
    reason: 'UnreadablePhysicalVolume',
    look: LABEL,
    context: { membership: { kind: 'unreadable', detail: 'exit status 5' } },
  },
  { reason: 'Signature', look: { content: { kind: 'signature', signature: { kind: 'several' } } } },
  { reason: 'Signature', look: LABEL },
  { reason: 'PartitionTable', look: { content: { kind: 'table', table: 'backup GPT' } } },
  { reason: 'InUse', look: { unclaimed: false } },
  { reason: 'NotBlank', look: { content: { kind: 'data', firstNonZeroAt: 4096n } } },
  { reason: 'SharedId', context: { sameIdAs: ['/dev/sdb'] } },
  { reason: 'SectorSize', context: { sectorBytes: 4096 } },
]

const judge = ({ look, device, context }: Omit<Case, 'reason'>) =>
  judgeDisk({ ...BLANK, ...look, device: { ...DEVICE, ...device } }, { ...CONTEXT, ...context })

describe('disk judge', () => {
  for (const { reason, ...rest } of REFUSED)
    it(`refuses ${JSON.stringify(rest, (_key, value: unknown) => (typeof value === 'bigint' ? `${value}` : value))} as ${reason}`, () => {
      const { verdict, blank } = judge(rest)
      expect(verdict).to.include({ state: 'Refused', reason, path: DEVICE.path })
      expect(verdict.message).to.match(/^\/dev\/disk\/by-id\/a .+; .+/)
      expect(blank).to.equal(undefined)
    })

  it('accepts a blank disk, and only that gives the proof', () => {
    const { verdict, blank } = judge({})
    expect(verdict).to.deep.include({ state: 'Accepted', reason: 'Blank', id: 'naa.1', sizeBytes: 1n << 30n })
    expect(blank).to.include({ path: DEVICE.path, deviceNumber: '8:0' })
  })

  it('accepts a member although it is in use, and says which PhysicalVolume it is', () => {
    const { verdict, blank } = judge({
      look: { ...LABEL, unclaimed: false },
      device: { holders: ['dm-0', 'dm-1'] },
      context: memberWith(),
    })
    expect(verdict).to.deep.include({ state: 'Accepted', reason: 'Member', physicalVolumeUuid: 'pv-uuid' })
    expect(verdict.recorded, 'to be written down').to.deep.equal(RECORDED)
    expect(blank).to.equal(undefined)
  })

  const outside: [DiskLook, string, string][] = [
    [{ kind: 'notADevicePath', path: '/etc/passwd' }, 'Refused', 'NotADevicePath'],
    [{ kind: 'missing', path: '/dev/x', detail: 'ENOENT' }, 'Missing', 'NotThere'],
    [{ kind: 'notABlockDevice', path: '/dev/null', devicePath: '/dev/null' }, 'Refused', 'NotABlockDevice'],
    [{ kind: 'unreadable', path: '/dev/x', detail: 'EIO' }, 'Refused', 'Unreadable'],
  ]
  for (const [look, state, reason] of outside)
    it(`calls what is ${look.kind} ${reason}`, () => {
      const { verdict, blank } = judgeDisk(look, undefined)
      expect(verdict).to.include({ state, reason, path: look.path })
      expect(blank).to.equal(undefined)
    })

  it('takes no device without its context for blank', () => {
    expect(judgeDisk(BLANK, undefined)).to.deep.include({ blank: undefined })
  })

  const members: [string, Partial<BlockDevice>, Partial<PhysicalVolume>][] = [
    ['Closed', {}, { allocatable: false, tags: [CLOSED_TAG] }],
    ['ClosedByHand', {}, { allocatable: false }],
    ['Grown', { sizeBytes: (1n << 30n) + (4n << 20n) }, {}],
    ['Member', { sizeBytes: (1n << 30n) + (1n << 19n) }, {}],
  ]
  for (const [reason, device, physicalVolume] of members)
    it(`accepts a disk of the group as ${reason}`, () => {
      const { verdict } = judge({ look: LABEL, device, context: memberWith(physicalVolume) })
      expect(verdict).to.include({ state: 'Accepted', reason, physicalVolumeUuid: 'pv-uuid' })
    })

  it('names the disk that was accepted and the one that is there now', () => {
    const { verdict } = judge({ context: { recorded: { ...RECORDED, id: 'naa.2' } } })
    expect(verdict.message).to.contain('naa.1').and.to.contain('naa.2').and.to.contain('pv-uuid')
    expect(verdict.recorded?.id, 'what was written down stays').to.equal('naa.2')
  })

  it('keeps what was written down about a disk that is away', () => {
    const look = { kind: 'missing', path: DEVICE.path, detail: 'ENOENT' } as const
    expect(judgeDisk(look, undefined, RECORDED).verdict.recorded).to.deep.equal(RECORDED)
  })

  it('takes an unused partition for blank', () => {
    const partition = { type: '0fc63daf-8483-4772-8e79-3d69d8477de4', name: 'data' }
    expect(judge({ look: { partition } }).verdict.reason).to.equal('Blank')
  })

  const yields: Case[] = [
    { reason: 'NotBlank', look: { content: { kind: 'data', firstNonZeroAt: 5n } } },
    { reason: 'PartitionTable', look: { content: { kind: 'table', table: 'backup GPT' } } },
    {
      reason: 'Signature',
      look: {
        content: {
          kind: 'signature',
          signature: { kind: 'found', type: 'ext4', uuid: 'u', partitionTable: '' },
        },
      },
    },
  ]
  for (const { reason, ...found } of yields) {
    const judgeNamed = (allowNonBlank: string, other: Omit<Case, 'reason'> = {}) =>
      judge({
        look: { ...found.look, ...other.look },
        device: { ...other.device },
        context: { allowNonBlank, ...other.context },
      })
    it(`lets ${reason} be erased when exactly this disk is named, and takes nothing for blank`, () => {
      const { optedIn, blank, verdict } = judgeNamed('naa.1')
      expect(optedIn).to.include({ path: DEVICE.path, id: 'naa.1', deviceNumber: '8:0' })
      expect(blank).to.equal(undefined)
      expect(verdict.reason).to.equal(reason)
      expect(judgeNamed('naa.2').optedIn, 'another disk is named').to.equal(undefined)
      expect(judgeNamed('', { device: { id: '' } }).optedIn, 'a disk without a number').to.equal(undefined)
    })
    const firm: Omit<Case, 'reason'>[] = [
      { look: { unclaimed: false } },
      { look: { mountPoints: ['/'] } },
      { look: { swap: true } },
      { device: { holders: ['md0'] } },
      { device: { partitions: ['8:1'] } },
      { device: { readOnly: true } },
      { context: { recorded: RECORDED } },
      { context: { sameIdAs: ['/dev/sdb'] } },
      { context: { listedFor: ['loam-slow'] } },
      { context: { labelUuid: 'pv-uuid' } },
    ]
    for (const other of firm)
      it(`erases no disk with ${reason} that is named when ${JSON.stringify(other, (_key, value: unknown) => (typeof value === 'bigint' ? `${value}` : value))}`, () => {
        expect(judgeNamed('naa.1', other).optedIn).to.equal(undefined)
      })
  }

  it('erases nothing that is blank or of which nothing is known', () => {
    expect(judge({ context: { allowNonBlank: 'naa.1' } }).optedIn).to.equal(undefined)
    expect(judgeDisk(BLANK, undefined).optedIn).to.equal(undefined)
  })

  it('has a case here for each reason', () => {
    const tested = new Set([
      ...REFUSED.map(({ reason }) => reason),
      ...outside.map(([, , reason]) => reason),
      ...members.map(([reason]) => reason),
      // these are of ensureGroup, and tested with it
      ...['Erasing', 'EraseFailed', 'Blank'],
    ])
    for (const reason of DISK_REASONS) expect(tested).to.include(reason)
  })
})
