import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { X509Certificate } from 'node:crypto'
import { expect } from 'chai'
import { makeControlPlaneCertificates, makeNodeCertificate } from '../../../lab/control-plane/certificates.ts'

describe('certificates of the control plane', () => {
  let pki: string
  const certificate = async (name: string) => new X509Certificate(await readFile(join(pki, `${name}.crt`)))

  before(async () => {
    pki = await mkdtemp(join(tmpdir(), 'lab-'))
    await makeControlPlaneCertificates(pki)
    await makeNodeCertificate(pki, 'node1')
  })
  after(() => rm(pki, { recursive: true }))

  it('are signed by the authority of the lab, and by no other', async () => {
    const authority = await certificate('ca')
    const admin = await certificate('admin')
    expect(authority.ca).to.equal(true)
    expect(admin.ca).to.equal(false)
    expect(admin.verify(authority.publicKey)).to.equal(true)
    expect(authority.verify(admin.publicKey)).to.equal(false)
  })

  it('carry the names that Kubernetes gives rights to', async () => {
    expect((await certificate('admin')).subject).to.equal('O=system:masters\nCN=admin')
    expect((await certificate('node1')).subject).to.equal('O=system:nodes\nCN=system:node:node1')
  })

  it('let clients check the API server by every address it has', async () => {
    const server = await certificate('apiserver')
    for (const address of ['10.99.0.1', '127.0.0.1', '10.96.0.1'])
      expect(server.checkIP(address)).to.equal(address)
    expect(server.checkIP('10.96.0.2')).to.equal(undefined)
  })
})
