import { readdir } from 'node:fs/promises'
import { expect } from 'chai'

import { formatVolumeHandle } from '../../../core/naming.ts'
import { startCsiNode, type CsiHarness } from './csi-harness.ts'
import { MemoryVolumes } from './memory-volumes.ts'
import { EXT4, HANDLE, ID, OTHER, failureOf, nodeCalls } from './node-calls.ts'

describe('a request to the Node service', () => {
  let volumes: MemoryVolumes
  let csi: CsiHarness
  beforeEach(async () => {
    volumes = new MemoryVolumes(HANDLE)
    csi = await startCsiNode({ volumes })
  })
  afterEach(() => csi[Symbol.asyncDispose]())

  const { path, stage, unstage, publish, unpublish, stats, expand } = nodeCalls(() => csi)

  const faults: [string, () => Promise<unknown>, string, string][] = [
    ['expand without id', () => expand({ volumeId: '' }), 'INVALID_ARGUMENT', 'volume_id: it is missing'],
    [
      'expand without path',
      () => expand({ volumePath: '' }),
      'INVALID_ARGUMENT',
      'volume_path: it is missing',
    ],
    [
      'expand by a negative size',
      () => expand({ capacityRange: { requiredBytes: -1n, limitBytes: 0n } }),
      'INVALID_ARGUMENT',
      'capacity_range.required_bytes: -1 is negative',
    ],
    [
      'expand at a path of others',
      () => expand({ volumePath: '/etc' }),
      'INVALID_ARGUMENT',
      'volume_path: "/etc" is not allowed',
    ],
    [
      'expand an id of others',
      () => expand({ volumeId: 'x' }),
      'NOT_FOUND',
      'no volume of Loam has such an id',
    ],
    [
      'expand a volume that is not there',
      () => expand({ volumeId: formatVolumeHandle(OTHER) }),
      'NOT_FOUND',
      'there is no such logical volume',
    ],
    ['expand what is not mounted', () => expand(), 'FAILED_PRECONDITION', 'it is not mounted at'],
    ['stage without id', () => stage({ volumeId: '' }), 'INVALID_ARGUMENT', 'volume_id: it is missing'],
    [
      'stage without path',
      () => stage({ volumeId: 'any', stagingTargetPath: '' }),
      'INVALID_ARGUMENT',
      'staging_target_path: it is missing',
    ],
    [
      'stage without capability',
      () => stage({ volumeId: 'any', volumeCapability: undefined }),
      'INVALID_ARGUMENT',
      'volume_capability: it is missing',
    ],
    [
      'stage outside',
      () => stage({ stagingTargetPath: '/etc' }),
      'INVALID_ARGUMENT',
      '"/etc" is not allowed',
    ],
    [
      'stage through ..',
      () => stage({ stagingTargetPath: `${path('a')}/../../etc` }),
      'INVALID_ARGUMENT',
      'without ".."',
    ],
    ['stage of a foreign id', () => stage({ volumeId: 'vol-1' }), 'NOT_FOUND', 'volume "vol-1"'],
    [
      'stage of an unknown volume',
      () => stage({ volumeId: formatVolumeHandle(OTHER) }),
      'NOT_FOUND',
      OTHER.volumeUuid,
    ],
    [
      'stage with words for mkfs that are not allowed',
      () => stage({ volumeCapability: EXT4, volumeContext: { 'loam.storage/mkfsOptions': '$(reboot)' } }),
      'INVALID_ARGUMENT',
      'volume_context["loam.storage/mkfsOptions"]: "$(reboot)" is not allowed',
    ],
    [
      'stage on a path that is not there',
      () => stage({ volumeCapability: EXT4 }),
      'FAILED_PRECONDITION',
      'there is no such directory',
    ],
    ['unstage without id', () => unstage(''), 'INVALID_ARGUMENT', 'volume_id: it is missing'],
    [
      'unstage without path',
      () => unstage('any', ''),
      'INVALID_ARGUMENT',
      'staging_target_path: it is missing',
    ],
    ['publish without id', () => publish({ volumeId: '' }), 'INVALID_ARGUMENT', 'volume_id: it is missing'],
    [
      'publish without target',
      () => publish({ volumeId: 'any', targetPath: '' }),
      'INVALID_ARGUMENT',
      'target_path: it is missing',
    ],
    [
      'publish without capability',
      () => publish({ volumeId: 'any', volumeCapability: undefined }),
      'INVALID_ARGUMENT',
      'volume_capability: it is missing',
    ],
    [
      'publish without staging path',
      () => publish({ stagingTargetPath: '' }),
      'FAILED_PRECONDITION',
      'NodeStageVolume comes first',
    ],
    [
      'publish of a file system that is not staged',
      () => publish({ volumeCapability: EXT4 }),
      'FAILED_PRECONDITION',
      'it is not mounted at staging path',
    ],
    [
      'publish of a block volume that is not staged',
      () => publish(),
      'FAILED_PRECONDITION',
      'its logical volume is not active',
    ],
    [
      'publish of an unknown block volume',
      () => publish({ volumeId: formatVolumeHandle(OTHER) }),
      'NOT_FOUND',
      'no such logical volume',
    ],
    ['publish outside', () => publish({ targetPath: '/mnt' }), 'INVALID_ARGUMENT', 'target_path: "/mnt"'],
    ['unpublish without id', () => unpublish(''), 'INVALID_ARGUMENT', 'volume_id: it is missing'],
    [
      'unpublish without target',
      () => unpublish('any', ''),
      'INVALID_ARGUMENT',
      'target_path: it is missing',
    ],
    ['unpublish outside', () => unpublish(ID, '/home'), 'INVALID_ARGUMENT', 'target_path: "/home"'],
    ['stats without id', () => stats('', '/x'), 'INVALID_ARGUMENT', 'volume_id: it is missing'],
    ['stats without path', () => stats(ID, ''), 'INVALID_ARGUMENT', 'volume_path: it is missing'],
    ['stats of a foreign id', () => stats('vol-1', 'some/path'), 'NOT_FOUND', 'volume "vol-1"'],
    ['stats of a wrong path', () => stats(ID, 'some/path'), 'NOT_FOUND', 'not mounted at "some/path"'],
    ['stats of what another mounted', () => stats(ID, '/proc'), 'NOT_FOUND', 'not mounted at "/proc"'],
  ]
  for (const [what, request, code, part] of faults) {
    it(`to ${what} is answered ${code}, and nothing is touched`, async () => {
      const failure = await failureOf(request())
      expect(failure.code).to.equal(code)
      expect(failure.details).to.include(part)
      expect((await readdir(csi.kubeletDirectory)).sort()).to.deep.equal(['plugins', 'plugins_registry'])
      expect(volumes.calls).to.not.include('release')
    })
  }
})
