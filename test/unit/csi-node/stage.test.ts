import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'

import { status, type ServiceError } from '@grpc/grpc-js'
import { expect } from 'chai'

import { formatVolumeHandle } from '../../../core/naming.ts'
import { VolumeCapability_AccessMode_Mode as Mode } from '../../../csi-node/gen/csi.ts'
import type { Command } from '../../../lvm/command-runner.ts'
import { ask, startCsiNode, type CsiHarness } from './csi-harness.ts'
import { MemoryVolumes } from './memory-volumes.ts'
import { thrownBy } from './thrown-by.ts'

const HANDLE = {
  groupUuid: 'abcdef-0123-4567-89ab-cdef-0123-456789',
  volumeUuid: 'ghijkl-0123-4567-89ab-cdef-0123-456789',
}
const ID = formatVolumeHandle(HANDLE)
const LABEL = 'context="system_u:object_r:container_file_t:s0:c15,c25"'

describe('nodeStageVolume', () => {
  let volumes: MemoryVolumes
  let csi: CsiHarness
  /** What mount(8) was to do: it does nothing here, and says what `answer` has. */
  let mounts: Command[]
  let answer: { exitCode: number; stderr: string }
  let written: readonly string[] | undefined
  beforeEach(async () => {
    volumes = new MemoryVolumes(HANDLE)
    mounts = []
    answer = { exitCode: 0, stderr: '' }
    written = []
    const run = (command: Command) => {
      mounts.push(command)
      return Promise.resolve({ stdout: '', report: '', ...answer })
    }
    csi = await startCsiNode({ volumes, runner: { run }, mountOptionsOf: () => written })
    await mkdir(join(csi.kubeletDirectory, 'staging'))
  })
  afterEach(() => csi[Symbol.asyncDispose]())

  /** How it ends: always with an error here, because nothing is mounted in the end. */
  const stage = async (mountFlags: string[], fsType = 'ext4'): Promise<{ code: string; details: string }> => {
    const request = {
      ...{ volumeId: ID, publishContext: {}, secrets: {}, volumeContext: {} },
      stagingTargetPath: join(csi.kubeletDirectory, 'staging'),
      volumeCapability: {
        accessMode: { mode: Mode.SINGLE_NODE_SINGLE_WRITER },
        accessType: { $case: 'mount', value: { fsType, mountFlags, volumeMountGroup: '' } } as const,
      },
    }
    const ended = await thrownBy(ask((done) => csi.service.nodeStageVolume(request, done)))
    const { code, details } = ended as ServiceError
    return { code: status[code], details }
  }
  const optionsGiven = (): (string | undefined)[] =>
    mounts.map(({ args }) => args[args.indexOf('--options') + 1])

  const usual: [string, string][] = [
    ['ext4', 'nosuid,nodev,errors=remount-ro,noatime'],
    ['xfs', 'nosuid,nodev,noatime'],
    ['btrfs', 'nosuid,nodev,noatime'],
  ]
  for (const [fileSystem, options] of usual) {
    it(`mounts ${fileSystem} without set-uid programs and devices, and so that it stops when damaged`, async () => {
      expect((await stage(['noatime'], fileSystem)).details).to.include('nothing is mounted there')
      expect(optionsGiven()).to.deep.equal([options])
    })

    it(`gives on the SELinux label that kubelet adds, for ${fileSystem}`, async () => {
      expect((await stage(['noatime', LABEL], fileSystem)).details).to.include('nothing is mounted there')
      expect(optionsGiven()).to.deep.equal([`${options},${LABEL}`])
    })
  }

  it('leaves set-uid programs on where the class asks for it, and devices off', async () => {
    await stage(['suid'], 'xfs')
    expect(optionsGiven()).to.deep.equal(['nodev,suid'])
  })

  const refused: [string, readonly string[] | undefined, string[], string, string][] = [
    [
      'that may be that of the PersistentVolume',
      [LABEL],
      [LABEL],
      'INVALID_ARGUMENT',
      'volume_capability.mount.mount_flags: "context="system_u:object_r:container_file_t:s0:c15,c25"" is in mountOptions',
    ],
    [
      'beside one of the PersistentVolume',
      [LABEL],
      [LABEL, LABEL],
      'INVALID_ARGUMENT',
      'volume_capability.mount.mount_flags: "context="system_u:object_r:container_file_t:s0:c15" is not allowed for ext4',
    ],
    [
      'in another form than kubelet has',
      [],
      [LABEL.replaceAll('"', '')],
      'INVALID_ARGUMENT',
      'volume_capability.mount.mount_flags: "context=system_u',
    ],
    [
      'for a part of the files only',
      [],
      [`root${LABEL}`],
      'INVALID_ARGUMENT',
      'volume_capability.mount.mount_flags: "rootcontext=',
    ],
    [
      'for a volume whose PersistentVolume is not known',
      undefined,
      [LABEL],
      'UNAVAILABLE',
      'the agent does not know its PersistentVolume at the moment (call again later',
    ],
  ]
  for (const [what, options, flags, code, part] of refused)
    it(`refuses a label ${what} with ${code}, before anything is done`, async () => {
      written = options
      const failure = await stage(flags)
      expect(failure.code).to.equal(code)
      expect(failure.details).to.include(part)
      expect(mounts).to.deep.equal([])
      expect(volumes.calls).to.deep.equal([])
    })

  it('asks nobody for a mount without label', async () => {
    written = undefined
    expect((await stage([])).details).to.include('nothing is mounted there')
  })

  const checks: [string, string][] = [
    ['ext4', 'e2fsck -n -f /dev/mapper/none'],
    ['xfs', 'xfs_repair -n /dev/mapper/none'],
    ['btrfs', 'btrfs check --readonly /dev/mapper/none'],
  ]
  for (const [fileSystem, command] of checks)
    it(`says how to look at ${fileSystem} that cannot be mounted, and runs nothing but mount`, async () => {
      answer = { exitCode: 32, stderr: 'mount: /x: mount(2) system call failed: Structure needs cleaning.\n' }
      const failure = await stage([], fileSystem)
      expect(failure.code).to.equal('INTERNAL')
      expect(failure.details).to.include('Structure needs cleaning').and.to.include(`"${command}"`)
      expect(mounts.map(({ file }) => file)).to.deep.equal(['mount'])
    })
})
