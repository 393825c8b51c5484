import { expect } from 'chai'

import type { PlacedLayout } from '../../../core/layout.ts'
import { Refused } from '../../../lvm/errors.ts'
import {
  activateVolumeCommand,
  copyMetadataCommand,
  createGroupCommand,
  createVolumeCommand,
  extendGroupCommand,
  extendVolumeCommand,
  legsCommand,
  makeNodesCommand,
  removeVolumeCommand,
  replaceTagCommand,
  type LvmCommand,
} from '../../../lvm/lvm-command.ts'

const UUID = 'K48k1K-MYUN-ccBB-wpjA-Hd2s-68f6-06mQbn'
const volume = { groupName: 'loam-fast', uuid: UUID }
const NEW = {
  ...{ groupName: 'g', name: 'pvc-1', extents: 3n, places: [], tags: [] },
  layout: { name: 'linear' },
} as const
const lineOf = ({ name, options, operands }: LvmCommand): string =>
  [name, ...options, '--', ...operands].join(' ')

describe('lvm commands', () => {
  it('makes a group of blank disks without ever forcing', () => {
    const command = createGroupCommand({
      name: 'loam-fast',
      devices: ['/dev/sda', '/dev/sdb'],
      tags: ['a=1', 'b'],
    })
    expect(lineOf(command)).to.equal(
      'vgcreate --metadatasize 16m --dataalignment 1m --setautoactivation n --addtag a=1 --addtag b' +
        ' -- loam-fast /dev/sda /dev/sdb',
    )
    expect(lineOf(extendGroupCommand({ name: 'loam-fast', devices: ['/dev/sdc'] }))).to.equal(
      'vgextend --metadatasize 16m --dataalignment 1m -- loam-fast /dev/sdc',
    )
  })

  it('makes a volume inactive, unwiped, with all its tags', () => {
    const command = createVolumeCommand({ ...NEW, groupName: 'loam-fast', tags: ['t'] })
    expect(lineOf(command)).to.equal(
      'lvcreate --activate n --zero n --wipesignatures n --setautoactivation n --type linear --extents 3' +
        ' --name pvc-1 --addtag t -- loam-fast',
    )
  })

  it('enlarges a volume to a number of extents, RAID legs on their own disks only', () => {
    const NAMED = { groupName: 'g', name: 'pvc-1', extents: 6n }
    const linear = extendVolumeCommand({ ...NAMED, shape: { name: 'linear' }, places: [] })
    expect(lineOf(linear)).to.equal('lvextend --extents 6 -- g/pvc-1')
    const shape = { name: 'striped', stripes: 2, stripeSizeBytes: 65536n } as const
    expect(lineOf(extendVolumeCommand({ ...NAMED, shape, places: PLACES }))).to.equal(
      'lvextend --stripes 2 --stripesize 65536b --extents 6' +
        ' -- g/pvc-1 /dev/sda:5-9 /dev/disk/by-path/pci-0000\\:00',
    )
    const raid = { name: 'raid1', legDisks: ['/dev/sda', '/dev/sdb'] } as const
    expect(lineOf(extendVolumeCommand({ ...NAMED, shape: raid, places: PLACES.slice(0, 1) }))).to.equal(
      'lvextend --alloc cling --extents 6 -- g/pvc-1 /dev/sda:5-9',
    )
  })

  const PLACES = [
    { path: '/dev/sda', run: { first: 5n, count: 5n } },
    { path: '/dev/disk/by-path/pci-0000:00', run: undefined },
  ]
  const layouts: [PlacedLayout, string][] = [
    [{ name: 'striped', stripes: 2, stripeSizeBytes: 65536n }, '--stripes 2 --stripesize 65536b'],
    [{ name: 'raid1', mirrors: 2 }, '--mirrors 2'],
    [{ name: 'raid5', stripes: 2, stripeSizeBytes: 4096n }, '--stripes 2 --stripesize 4096b'],
    [{ name: 'raid6', stripes: 3, stripeSizeBytes: 4096n }, '--stripes 3 --stripesize 4096b'],
    [{ name: 'raid10', stripes: 2, stripeSizeBytes: 4096n }, '--mirrors 1 --stripes 2 --stripesize 4096b'],
  ]
  for (const [layout, options] of layouts)
    it(`asks for ${layout.name} on the disks that were chosen, and on no other`, () => {
      const line = lineOf(createVolumeCommand({ ...NEW, layout, places: PLACES }))
      expect(line).to.contain(`--type ${layout.name} ${options} --extents 3`)
      expect(line).to.contain(' -- g /dev/sda:5-9 /dev/disk/by-path/pci-0000\\:00')
    })

  it('asks for the legs of one volume', () => {
    expect(lineOf(legsCommand({ groupName: 'g', name: 'pvc-1' }))).to.equal(
      'lvs --all --reportformat json --options lv_name,seg_pe_ranges --select lv_parent=pvc-1 -- g',
    )
  })

  it('addresses existing volumes by UUID', () => {
    expect(lineOf(activateVolumeCommand(volume, 'y'))).to.equal(
      `lvchange --activate y --select lv_uuid=${UUID} -- loam-fast`,
    )
    expect(lineOf(replaceTagCommand(volume, { from: 'a', to: 'b' }))).to.equal(
      `lvchange --deltag a --addtag b --select lv_uuid=${UUID} -- loam-fast`,
    )
    expect(lineOf(removeVolumeCommand({ ...volume, poolName: undefined }))).to.equal(
      `lvremove --select lv_uuid=${UUID} -- loam-fast`,
    )
    expect(lineOf(makeNodesCommand('loam-fast'))).to.equal('vgmknodes -- loam-fast')
  })

  it('copies metadata into a file as a reading, so that it is killed at its deadline', () => {
    const command = copyMetadataCommand({ groupName: 'loam-fast', file: '/run/loam/lvm/metadata/a.vg' })
    expect(lineOf(command)).to.equal('vgcfgbackup --file /run/loam/lvm/metadata/a.vg -- loam-fast')
    expect(command.effect).to.equal('read')
  })

  const hostile: [string, () => LvmCommand][] = [
    ['group to copy', () => copyMetadataCommand({ groupName: '--yes', file: '/run/a' })],
    ['group', () => createGroupCommand({ name: '--force', devices: [], tags: [] })],
    ['device', () => createGroupCommand({ name: 'g', devices: ['/dev/sda --force'], tags: [] })],
    ['group tag', () => createGroupCommand({ name: 'g', devices: [], tags: ['--yes'] })],
    ['volume', () => createVolumeCommand({ ...NEW, name: '-y' })],
    ['disk', () => createVolumeCommand({ ...NEW, places: [{ path: '--force', run: undefined }] })],
    ['tag', () => createVolumeCommand({ ...NEW, tags: ['a b'] })],
    ['UUID', () => removeVolumeCommand({ groupName: 'g', uuid: 'x || lv_name=~.*', poolName: undefined })],
    ['new tag', () => replaceTagCommand(volume, { from: 'a', to: '\n' })],
  ]
  for (const [what, build] of hostile)
    it(`refuses a hostile ${what} before anything runs`, () => {
      expect(build).to.throw(Refused)
    })
})
