import { expect } from 'chai'
import type { VolumeState } from '../../../core/volume-tags.ts'
import { Refused } from '../../../lvm/errors.ts'
import type { GroupReport } from '../../../lvm/report.ts'
import { Unused, type ExpectedVolume } from '../../../lvm/unused.ts'
import { failureOf } from '../../support/eventually.ts'
import { volumeOf } from '../../cluster/kube/memory-volumes.ts'

const expected: ExpectedVolume = { name: 'pvc-u1', claimUid: 'u1', erase: 'zero' }

/** What does not come to look at the machine is tried here; the rest in test/node/lvm/remove-volume.test.ts. */
describe('lvm/unused', () => {
  const prove = (state: VolumeState, wanted: ExpectedVolume): Promise<Unused> => {
    const volume = volumeOf({
      ...{ name: 'pvc-u1', sizeBytes: 4n << 20n, groupName: 'loam-fast' },
      record: {
        ...{ state, clusterId: 'ours', claimUid: 'u1', claimNamespace: 'shop', claimName: 'data' },
        ...{ storageClassName: 'fast', erase: 'zero', content: 'ext4' },
      },
    })
    const report = {
      ...{ group: { name: 'loam-fast', missingPhysicalVolumes: 0, physicalVolumes: [] }, volumes: [volume] },
    } as unknown as GroupReport
    return Unused.prove(report, volume.handle.volumeUuid, wanted)
  }

  for (const state of ['formatting', 'used'] as const)
    it(`is not given for a volume in state ${state} that was to be removed unused`, async () => {
      const { message } = await failureOf(prove(state, { ...expected, neverUsed: true }), Refused)
      expect(message).to.contain(`is in state "${state}", and was to be removed unused`)
    })

  for (const [state, wanted] of [
    ['new', { ...expected, neverUsed: true }],
    ['erasing', { ...expected, neverUsed: true }],
    ['used', expected],
  ] as const)
    it(`is given for a volume in state ${state} that is meant`, async () => {
      expect((await prove(state, wanted)).volume.name).to.equal('pvc-u1')
    })

  for (const other of [{ name: 'pvc-u2' }, { claimUid: 'u2' }, { erase: 'none' }] as const)
    it(`is not given for another ${Object.keys(other).join()}`, async () => {
      await failureOf(prove('used', { ...expected, ...other }), Refused)
    })
})
