import { expect } from 'chai'
import { readFile } from 'node:fs/promises'

import type { BlockDevice } from '../../../lvm/block-device.ts'
import { DISK_REASONS, judgeDisk, MIN_DISK_BYTES, type DiskContext } from '../../../lvm/disk-judge.ts'
import type { DeviceLook, DiskLook } from '../../../lvm/disk-look.ts'

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
  mapperUuid: '',
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
  sameDeviceAs: undefined,
  sameIdAs: [],
  sectorBytes: 512,
}
const LABEL = {
  content: {
    kind: 'signature',
    signature: { kind: 'found', type: 'LVM2_member', uuid: 'pv-uuid', partitionTable: '' },
  },
} as const

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
      context: { membership: { kind: 'member' } },
    })
    expect(verdict).to.deep.include({ state: 'Accepted', reason: 'Member', physicalVolumeUuid: 'pv-uuid' })
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

  it('has a case here and a line in docs/disks.md for each reason', async () => {
    const page = await readFile(new URL('../../../docs/disks.md', import.meta.url), 'utf8')
    const tested = new Set([
      ...REFUSED.map(({ reason }) => reason),
      ...outside.map(([, , reason]) => reason),
      'Blank',
      'Member',
    ])
    for (const reason of DISK_REASONS) {
      expect(tested, 'tests').to.include(reason)
      expect(page, 'docs/disks.md').to.match(new RegExp(`\\| \`${reason}\` +\\|`))
    }
  })
})
