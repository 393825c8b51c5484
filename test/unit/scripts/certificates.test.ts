import { X509Certificate } from 'node:crypto'
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { execa } from 'execa'

const SCRIPT = join(import.meta.dirname, '../../../scripts/certificates')
const LEAVES = ['server/tls.crt', 'server/tls.key', 'client/tls.crt', 'client/tls.key']
const AUTHORITY = ['ca.crt', 'ca.key', 'server/ca.crt', 'client/ca.crt']
const DAY_MS = 86_400_000

describe('scripts/certificates', () => {
  let directory: string
  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'loam-certificates-'))
  })
  afterEach(async () => await rm(directory, { recursive: true }))

  const run = async (...argv: string[]) => await execa(SCRIPT, argv, { reject: false })
  const text = (name: string): Promise<string> => readFile(join(directory, name), 'utf8')
  const certificate = async (name: string) => new X509Certificate(await text(name))
  const texts = (names: readonly string[]) => Promise.all(names.map(text))
  const filesThere = async (): Promise<string[]> => {
    const entries = await readdir(directory, { recursive: true, withFileTypes: true })
    return entries
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name).slice(directory.length + 1))
  }

  it('makes an authority, and a certificate for each side', async () => {
    const { exitCode, stdout } = await run(directory, '--address', '10.0.0.7', '--address', 'fd00::7')
    expect(exitCode).to.equal(0)
    const authority = await certificate('ca.crt')
    const [server, client] = [await certificate('server/tls.crt'), await certificate('client/tls.crt')]
    expect([authority.subject, authority.ca]).to.deep.equal(['CN=loam-scheduler-ca', true])
    expect([client.subject, client.keyUsage]).to.deep.equal(['CN=kube-scheduler', ['1.3.6.1.5.5.7.3.2']])
    expect(server.keyUsage).to.deep.equal(['1.3.6.1.5.5.7.3.1'])
    for (const leaf of [server, client]) expect(leaf.verify(authority.publicKey)).to.be.true
    for (const name of ['loam-scheduler.loam-system.svc', 'localhost'])
      expect(server.checkHost(name)).to.equal(name)
    for (const address of ['127.0.0.1', '10.0.0.7', 'fd00::7'])
      expect(server.checkIP(address)).to.equal(address)
    const days = ({ validToDate }: X509Certificate) =>
      Math.round((validToDate.getTime() - Date.now()) / DAY_MS)
    expect([authority, server, client].map(days)).to.deep.equal([3650, 365, 365])
    expect(stdout).to.contain('kubectl --namespace loam-system create secret generic loam-scheduler-tls')
  })

  it('lets nobody else read a key, and leaves nothing else behind', async () => {
    await run(directory)
    expect(await filesThere()).to.have.members([...LEAVES, ...AUTHORITY])
    for (const key of ['ca.key', 'server/tls.key', 'client/tls.key'])
      expect((await stat(join(directory, key))).mode & 0o777, key).to.equal(0o600)
  })

  it('keeps the authority, and makes all else anew', async () => {
    await run(directory)
    const [authority, leaves] = [await texts(AUTHORITY), await texts(LEAVES)]
    await run(directory, '--service', 'picker.storage.svc')
    expect(await texts(AUTHORITY)).to.deep.equal(authority)
    for (const [index, leaf] of (await texts(LEAVES)).entries()) expect(leaf).not.to.equal(leaves[index])
    const server = await certificate('server/tls.crt')
    expect(server.checkHost('picker.storage.svc')).to.equal('picker.storage.svc')
    expect(server.checkHost('loam-scheduler.loam-system.svc')).to.equal(undefined)
  })

  it('changes nothing when the authority is not whole', async () => {
    await run(directory)
    const [authority, leaves] = [await text('ca.crt'), await texts(LEAVES)]
    await rm(join(directory, 'ca.key'))
    const { exitCode, stderr } = await run(directory)
    expect([exitCode, stderr]).to.satisfy(() => exitCode === 1 && stderr.includes('only one is in'))
    expect([await text('ca.crt'), await texts(LEAVES)]).to.deep.equal([authority, leaves])
  })

  it('changes nothing when the key is not that of the authority, and says what openssl says', async () => {
    await run(directory)
    const leaves = await texts(LEAVES)
    await writeFile(join(directory, 'ca.key'), await text('client/tls.key'))
    const { exitCode, stderr } = await run(directory)
    expect(exitCode).to.equal(1)
    expect(stderr).to.contain('server.crt cannot be made: ').and.to.contain('do not match')
    expect(await texts(LEAVES)).to.deep.equal(leaves)
    expect(await filesThere()).to.have.members([...LEAVES, ...AUTHORITY])
  })

  const WRONG: Readonly<Record<string, readonly [argv: readonly string[], says: string]>> = {
    'no directory': [[], 'DIRECTORY is missing'],
    'two directories': [['a', 'b'], '"b" is one DIRECTORY too many'],
    'an option that it does not know': [['a', '--days', '7'], 'option "--days" is not known'],
    'a service that is none': [['a', '--service', 'x'], '--service "x": allowed is NAME.NAMESPACE.svc'],
    'a name in place of an address': [['a', '--address', 'n1'], '--address "n1": allowed is an IP address'],
    'an address out of range': [['a', '--address', '10.0.0.256'], '--address "10.0.0.256"'],
    'an option without its value': [['a', '--address'], '--address ""'],
  }
  for (const [what, [argv, says]] of Object.entries(WRONG))
    it(`refuses ${what} with status 2 and the usage`, async () => {
      const { exitCode, stderr } = await execa(SCRIPT, argv, { reject: false, cwd: directory })
      expect(exitCode).to.equal(2)
      expect(stderr).to.contain(`scripts/certificates: ${says}`).and.to.contain('usage: ')
      expect(await readdir(directory)).to.deep.equal([])
    })
})
