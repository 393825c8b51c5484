import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { ensurePrograms } from '../../../lab/programs/build.ts'
import { silentProgress } from '../../../lab/runtime/progress.ts'

describe('programs of the lab', () => {
  let folder: string

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'lab-'))
  })
  after(() => rm(folder, { recursive: true }))

  it('come from KUBEBUILDER_ASSETS where it has them', async () => {
    await writeFile(join(folder, 'kubectl'), '')
    const environment = { KUBEBUILDER_ASSETS: folder, LOAM_CACHE: join(folder, 'cache') }
    const programs = await ensurePrograms(['kubectl'], environment, silentProgress)
    expect(programs).to.deep.equal({ kubectl: join(folder, 'kubectl') })
  })

  it('are refused by name when nobody knows how to build them', async () => {
    const refusal = ensurePrograms(['kubeadm'], {}, silentProgress)
    const message = await refusal.catch((error: unknown) => String(error))
    expect(message).to.contain('kubeadm').and.to.contain('kubelet')
  })
})
