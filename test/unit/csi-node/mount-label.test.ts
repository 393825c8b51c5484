import { expect } from 'chai'

import { InvalidField, PublishedOtherwise, VolumeNotKnownYet } from '../../../csi-node/errors.ts'
import { VolumeCapability_AccessMode_Mode as Mode, type VolumeCapability } from '../../../csi-node/gen/csi.ts'
import {
  isSameLabel,
  labelOf,
  requireFromKubelet,
  requireLabel,
  splitLabel,
} from '../../../csi-node/mount-label.ts'
import { parseMountInfo, type Mount } from '../../../lvm/mounts.ts'

const LABEL = 'system_u:object_r:container_file_t:s0:c15,c25'

const capabilityWith = (mountFlags: string[]): VolumeCapability => ({
  accessMode: { mode: Mode.SINGLE_NODE_SINGLE_WRITER },
  accessType: { $case: 'mount', value: { fsType: 'ext4', mountFlags, volumeMountGroup: '' } },
})

/** A line as Linux writes it (security/selinux/hooks.c, show_sid: quoted only when there is a comma). */
const mountWith = (fileSystemOptions: string): Mount => {
  const [mount] = parseMountInfo(
    `36 35 253:0 / /staging rw,nosuid,nodev - ext4 /dev/mapper/g-v rw,${fileSystemOptions}\n`,
  )
  if (mount === undefined) throw new Error('the line is a mount')
  return mount
}

describe('splitLabel', () => {
  const labels = [
    LABEL,
    'system_u:object_r:container_file_t:s0',
    'system_u:object_r:container_file_t:s0-s0:c0.c1023',
    'system_u:object_r:svirt_sandbox_file_t:s0:c1,c3.c5',
  ]
  for (const label of labels)
    it(`takes out ${label}, which kubelet adds last`, () => {
      expect(splitLabel(capabilityWith(['noatime', `context="${label}"`]))).to.deep.equal({
        capability: capabilityWith(['noatime']),
        label,
      })
    })

  const left: [string, string[]][] = [
    ['a label without quotes', [`context=${LABEL}`]],
    ['a label that is not the last option', [`context="${LABEL}"`, 'noatime']],
    ['a label within a list', [`noatime,context="${LABEL}"`]],
    ['an option behind the label', [`context="${LABEL}",suid`]],
    ['fscontext', [`fscontext="${LABEL}"`]],
    ['defcontext', [`defcontext="${LABEL}"`]],
    ['rootcontext', [`rootcontext="${LABEL}"`]],
    ['seclabel', ['seclabel']],
    ['three parts', ['context="system_u:object_r:container_file_t"']],
    ['a level by name', ['context="system_u:object_r:container_file_t:SystemLow"']],
    ['a line break', [`context="${LABEL}\n"`]],
    ['a quote', ['context="a:b:c:s0",suid,x="y"']],
    ['nothing', []],
  ]
  for (const [what, flags] of left)
    it(`leaves ${what} to be refused`, () => {
      const capability = capabilityWith(flags)
      expect(splitLabel(capability)).to.deep.equal({ capability, label: undefined })
    })

  it('leaves one of two', () => {
    const twice = [`context="${LABEL}"`, `context="${LABEL}"`]
    expect(splitLabel(capabilityWith(twice)).capability).to.deep.equal(capabilityWith(twice.slice(0, 1)))
  })

  it('leaves a block volume, which kubelet gives no options, and no capability at all', () => {
    const block: VolumeCapability = {
      accessMode: { mode: Mode.SINGLE_NODE_WRITER },
      accessType: { $case: 'block', value: {} },
    }
    expect(splitLabel(block)).to.deep.equal({ capability: block, label: undefined })
    expect(splitLabel(undefined)).to.deep.equal({ capability: undefined, label: undefined })
  })
})

describe('requireFromKubelet', () => {
  it('takes it where nobody wrote one', () => {
    expect(() => requireFromKubelet(['noatime', 'discard'], 'a/b')).to.not.throw()
    expect(() => requireFromKubelet([], 'a/b')).to.not.throw()
  })

  for (const option of [`context="${LABEL}"`, `noatime,context=${LABEL}`, 'seclabel', 'rootcontext=x'])
    it(`refuses it where ${option} is written`, () => {
      expect(() => requireFromKubelet(['noatime', option], 'a/b')).to.throw(
        InvalidField,
        `volume_capability.mount.mount_flags: "${option}" is in mountOptions of the PersistentVolume`,
      )
    })

  it('waits where nothing is known', () => {
    expect(() => requireFromKubelet(undefined, 'a/b')).to.throw(VolumeNotKnownYet, 'call again later')
  })
})

describe('labelOf', () => {
  it('reads what the kernel shows', () => {
    expect(labelOf(mountWith(`context="${LABEL}",errors=remount-ro`))).to.equal(LABEL)
    expect(labelOf(mountWith('context=system_u:object_r:container_file_t:s0'))).to.equal(
      'system_u:object_r:container_file_t:s0',
    )
    expect(labelOf(mountWith('seclabel,errors=remount-ro'))).to.equal(undefined)
    expect(labelOf(mountWith('fscontext=a:b:c:s0'))).to.equal(undefined)
  })
})

describe('isSameLabel', () => {
  const same: [string, string][] = [
    ['u:r:t:s0', 'u:r:t:s0'],
    ['u:r:t:s0:c25,c15', 'u:r:t:s0:c15,c25'],
    ['u:r:t:s0:c1,c2,c3', 'u:r:t:s0:c1.c3'],
    ['u:r:t:s0-s0', 'u:r:t:s0'],
    ['u:r:t:s0:c1-s0:c1', 'u:r:t:s0:c1'],
  ]
  for (const [one, other] of same)
    it(`finds ${one} and ${other} the same`, () => expect(isSameLabel(one, other)).to.equal(true))

  const different: [string | undefined, string | undefined][] = [
    ['u:r:t:s0:c1,c2', 'u:r:t:s0:c1,c3'],
    ['u:r:t:s0', 'u:r:t:s0:c1'],
    ['u:r:t:s0', 'u:r:t:s0-s1'],
    ['u:r:t:s0', 'u:r:other:s0'],
    ['u:r:t:s0', undefined],
    [undefined, 'u:r:t:s0'],
  ]
  for (const [one, other] of different)
    it(`finds ${one} and ${other} different`, () => expect(isSameLabel(one, other)).to.equal(false))

  it('finds no label and no label the same', () => expect(isSameLabel(undefined, undefined)).to.equal(true))
})

describe('requireLabel', () => {
  it('takes the mount that has it', () => {
    expect(() => requireLabel(mountWith(`context="${LABEL}"`), 'a/b', LABEL)).to.not.throw()
    expect(() => requireLabel(mountWith('seclabel'), 'a/b', undefined)).to.not.throw()
  })

  const other = 'system_u:object_r:container_file_t:s0:c1,c2'
  const refused: [string, Mount, string | undefined, string][] = [
    [
      'another label',
      mountWith(`context="${other}"`),
      LABEL,
      `is staged there with SELinux label "${other}", and is wanted with SELinux label "${LABEL}"`,
    ],
    ['none', mountWith('seclabel'), LABEL, 'is staged there without an SELinux label, and is wanted with'],
    [
      'one where none is wanted',
      mountWith(`context="${other}"`),
      undefined,
      'is wanted without an SELinux label',
    ],
  ]
  for (const [what, mount, wanted, message] of refused)
    it(`refuses a mount with ${what}`, () => {
      expect(() => requireLabel(mount, 'a/b', wanted)).to.throw(PublishedOtherwise, message)
    })
})
