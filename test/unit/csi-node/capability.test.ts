import { expect } from 'chai'

import { requireAccess, requireMkfsOptions, usualFileSystem } from '../../../csi-node/capability.ts'
import { InvalidField } from '../../../csi-node/errors.ts'
import { VolumeCapability_AccessMode_Mode as Mode, type VolumeCapability } from '../../../csi-node/gen/csi.ts'

const mountCapability = (
  mode: Mode,
  { fsType = 'ext4', mountFlags = [] }: { fsType?: string; mountFlags?: string[] } = {},
): VolumeCapability => ({
  accessMode: { mode },
  accessType: { $case: 'mount', value: { fsType, mountFlags, volumeMountGroup: '' } },
})

describe('requireAccess', () => {
  const sharing: [Mode, string][] = [
    [Mode.SINGLE_NODE_WRITER, 'shared'],
    [Mode.SINGLE_NODE_MULTI_WRITER, 'shared'],
    [Mode.SINGLE_NODE_SINGLE_WRITER, 'onePod'],
    [Mode.SINGLE_NODE_READER_ONLY, 'readOnly'],
    [Mode.MULTI_NODE_READER_ONLY, 'readOnly'],
  ]
  for (const [mode, wanted] of sharing) {
    it(`reads access mode ${mode} as ${wanted}`, () => {
      expect(requireAccess(mountCapability(mode)).sharing).to.equal(wanted)
    })
  }

  it('takes ext4 when no file system is named', () => {
    const access = requireAccess(mountCapability(Mode.SINGLE_NODE_WRITER, { fsType: '' }))
    expect(access).to.include({ kind: 'fileSystem', fileSystem: 'ext4' })
  })

  it('takes the file system that the volume was made for when no other is named', () => {
    const usual = usualFileSystem({ 'loam.storage/fileSystem': 'xfs' })
    const unnamed = mountCapability(Mode.SINGLE_NODE_WRITER, { fsType: '' })
    expect(requireAccess(unnamed, usual)).to.include({ fileSystem: 'xfs' })
    const named = mountCapability(Mode.SINGLE_NODE_WRITER, { fsType: 'btrfs' })
    expect(requireAccess(named, usual)).to.include({ fileSystem: 'btrfs' })
    expect(usualFileSystem({})).to.equal('ext4')
    expect(() => usualFileSystem({ 'loam.storage/fileSystem': 'ntfs' })).to.throw(
      InvalidField,
      'volume_context["loam.storage/fileSystem"]: "ntfs" is not possible: allowed are ext4, xfs, btrfs',
    )
  })

  it('reads a block volume', () => {
    const access = requireAccess({
      accessMode: { mode: Mode.SINGLE_NODE_WRITER },
      accessType: { $case: 'block', value: {} },
    })
    expect(access).to.deep.equal({ kind: 'block', sharing: 'shared' })
  })

  const refused: [string, VolumeCapability | undefined, string][] = [
    ['no capability', undefined, 'volume_capability: it is missing'],
    [
      'no access type',
      { accessMode: { mode: Mode.SINGLE_NODE_WRITER } },
      'volume_capability.access_type: it is missing',
    ],
    ['no access mode', mountCapability(Mode.UNKNOWN), 'access_mode: UNKNOWN is not possible'],
    [
      'a mode of several nodes',
      mountCapability(Mode.MULTI_NODE_MULTI_WRITER),
      'MULTI_NODE_MULTI_WRITER is not possible: a volume of Loam lives on one node',
    ],
    [
      'an unknown file system',
      mountCapability(Mode.SINGLE_NODE_WRITER, { fsType: '../ntfs' }),
      'fs_type: "../ntfs" is not possible: allowed are ext4, xfs, btrfs',
    ],
    [
      'a mount option that is not allowed',
      mountCapability(Mode.SINGLE_NODE_WRITER, { mountFlags: ['bind'] }),
      'mount_flags: "bind" is not allowed for ext4',
    ],
  ]
  for (const [what, capability, message] of refused) {
    it(`refuses ${what}`, () => {
      expect(() => requireAccess(capability)).to.throw(InvalidField, message)
    })
  }
})

describe('requireMkfsOptions', () => {
  it('reads the words', () => {
    expect(requireMkfsOptions({ 'loam.storage/mkfsOptions': ' -i  size=512 ' })).to.deep.equal([
      '-i',
      'size=512',
    ])
    expect(requireMkfsOptions({ other: 'x' })).to.deep.equal([])
  })

  it('refuses what the class could not have said', () => {
    expect(() => requireMkfsOptions({ 'loam.storage/mkfsOptions': '-d /etc' })).to.throw(
      InvalidField,
      '"/etc"',
    )
  })
})
