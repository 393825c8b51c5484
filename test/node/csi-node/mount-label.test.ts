import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'

import { expect } from 'chai'

import { CsiFixture, failureOf, mountedAt } from './csi-fixture.ts'
import { hideSelinux, labelOfFile, showSelinux } from './selinux.ts'

const LABEL = 'system_u:object_r:container_file_t:s0:c15,c25'
const kubelets = (label: string) => ({ mountFlags: [`context="${label}"`] })

describe('labels of kubelet where the kernel has a policy', function () {
  this.timeout(180_000)
  let fixture: CsiFixture
  before(async () => {
    await showSelinux()
    fixture = await CsiFixture.start()
  })
  afterEach(() => fixture.clearAll())
  after(async () => {
    await fixture.stop()
    await hideSelinux()
  })

  for (const fileSystem of ['ext4', 'xfs', 'btrfs'] as const)
    it(`are those of all files in ${fileSystem}, for the volume and for the pod`, async () => {
      const volume = await fixture.volume(fileSystem)
      const target = volume.target('pod')
      // kubelet repeats itself
      for (const time of ['first', 'second']) {
        await volume.stage(kubelets(LABEL))
        await volume.publish('pod', kubelets(LABEL))
        await writeFile(join(target, time), '')
      }
      for (const file of ['first', 'second'])
        expect(await labelOfFile(join(target, file)), file).to.equal(LABEL)
      expect((await mountedAt(target))?.options).to.include.members(['nosuid', 'nodev'])
    })

  it('mean the same in another order, and as a range', async () => {
    const volume = await fixture.volume('ext4')
    const label = (categories: string): string => `system_u:object_r:container_file_t:s0:${categories}`
    await volume.stage(kubelets(label('c3,c1,c2')))
    await volume.stage(kubelets(label('c1.c3')))
    await volume.publish('pod', kubelets(label('c2,c1,c3')))
    expect((await failureOf(volume.stage(kubelets(label('c1,c2'))))).code).to.equal('ALREADY_EXISTS')
  })

  it('are not changed while the volume is staged, and may be others the next time', async () => {
    const volume = await fixture.volume('ext4')
    const other = 'system_u:object_r:container_file_t:s0:c1,c2'
    await volume.stage(kubelets(LABEL))
    const file = join(volume.staging, 'file')
    await writeFile(file, '')
    for (const refused of [
      () => volume.stage(kubelets(other)),
      () => volume.stage(),
      () => volume.publish('pod', kubelets(other)),
      () => volume.publish('pod'),
    ])
      expect((await failureOf(refused())).code).to.equal('ALREADY_EXISTS')
    expect(await mountedAt(volume.target('pod'))).to.equal(undefined)
    await volume.unstage()
    await volume.stage(kubelets(other))
    expect(await labelOfFile(file)).to.equal(other)
  })

  it('that the policy does not know are refused by the kernel, and nothing stays mounted', async () => {
    const volume = await fixture.volume('ext4')
    const failure = await failureOf(volume.stage(kubelets('system_u:object_r:nobody_knows_t:s0:c15,c25')))
    expect(failure.code).to.equal('INTERNAL')
    expect(failure.details).to.match(/mount/)
    expect(await mountedAt(volume.staging)).to.equal(undefined)
    await volume.stage(kubelets(LABEL))
  })
})
