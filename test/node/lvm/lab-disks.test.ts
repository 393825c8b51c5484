import { expect } from 'chai'

import { groupOn, handMadeLvm, MIB, requestFor, run, startNode } from './fixture.ts'
import type { WantedContent } from '../../../lvm/types.ts'

/** Disks of the VM itself, on files of the host, with a volatile write cache. */
const labDisks = (): string[] => {
  const disks = (process.env.LOAM_TEST_DISKS ?? '').split(',').filter((path) => path !== '')
  if (disks.length < 2) throw new Error('LOAM_TEST_DISKS must name at least two disks')
  return disks.slice(0, 2)
}

const EXT4: WantedContent = { kind: 'fileSystem', type: 'ext4', mkfsOptions: ['-L', 'loam'] }

describe('the disks of the lab', function () {
  this.timeout(180_000)

  afterEach(async () => {
    await handMadeLvm('vgremove', '--force', '--yes', 'loam-test').catch(() => undefined)
    for (const path of labDisks()) await run('blkdiscard', '--force', path)
  })

  it('carry a volume through its whole life, and are blank again after it', async () => {
    const node = await startNode()
    try {
      const group = await groupOn(node.volumes, ...labDisks())
      expect(group.physicalVolumes).to.have.length(2)
      const request = requestFor(group, 24n * MIB)
      const made = await node.volumes.createVolume(request)
      const { devicePath } = await node.volumes.prepareVolume(made.handle, EXT4)
      expect(await run('blkid', '--probe', '--output', 'value', '--match-tag', 'LABEL', devicePath)).to.equal(
        'loam',
      )
      await node.volumes.releaseVolume(made.handle)
      const expected = { name: made.name, claimUid: request.record.claimUid, erase: 'zero' } as const
      await node.volumes.removeVolume(made.handle, expected)
      const again = await node.volumes.createVolume(requestFor(group, 24n * MIB))
      await node.volumes.prepareVolume(again.handle, EXT4)
      await node.volumes.removeVolume(again.handle, {
        name: again.name,
        claimUid: again.record?.claimUid ?? '',
        erase: 'zero',
      })
    } finally {
      await node.close()
    }
  })
})
