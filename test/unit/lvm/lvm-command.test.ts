import { expect } from 'chai'

import { Refused } from '../../../lvm/errors.ts'
import {
  activateVolumeCommand,
  copyMetadataCommand,
  createGroupCommand,
  createVolumeCommand,
  extendGroupCommand,
  makeNodesCommand,
  removeVolumeCommand,
  replaceTagCommand,
  type LvmCommand,
} from '../../../lvm/lvm-command.ts'

const UUID = 'K48k1K-MYUN-ccBB-wpjA-Hd2s-68f6-06mQbn'
const volume = { groupName: 'loam-fast', uuid: UUID }
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
    const command = createVolumeCommand({ groupName: 'loam-fast', name: 'pvc-1', extents: 3n, tags: ['t'] })
    expect(lineOf(command)).to.equal(
      'lvcreate --activate n --zero n --wipesignatures n --setautoactivation n --type linear --extents 3' +
        ' --name pvc-1 --addtag t -- loam-fast',
    )
  })

  it('addresses existing volumes by UUID', () => {
    expect(lineOf(activateVolumeCommand(volume, 'y'))).to.equal(
      `lvchange --activate y --select lv_uuid=${UUID} -- loam-fast`,
    )
    expect(lineOf(replaceTagCommand(volume, { from: 'a', to: 'b' }))).to.equal(
      `lvchange --deltag a --addtag b --select lv_uuid=${UUID} -- loam-fast`,
    )
    expect(lineOf(removeVolumeCommand(volume))).to.equal(`lvremove --select lv_uuid=${UUID} -- loam-fast`)
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
    ['volume', () => createVolumeCommand({ groupName: 'g', name: '-y', extents: 1n, tags: [] })],
    ['tag', () => createVolumeCommand({ groupName: 'g', name: 'a', extents: 1n, tags: ['a b'] })],
    ['UUID', () => removeVolumeCommand({ groupName: 'g', uuid: 'x || lv_name=~.*' })],
    ['new tag', () => replaceTagCommand(volume, { from: 'a', to: '\n' })],
  ]
  for (const [what, build] of hostile)
    it(`refuses a hostile ${what} before anything runs`, () => {
      expect(build).to.throw(Refused)
    })
})
