import { readFile, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { readRootContents } from '../../../../scripts/oci/debian-root.ts'
import { AGENT_SOURCE } from '../../../../scripts/oci/layers.ts'
import { parseStanzas, readLock, writeLock } from '../../../../scripts/oci/packages.ts'
import { POSTGRESQL_SOURCE } from '../../../lab/images/postgresql.ts'

const STANZAS = `Package: lvm2
Source: lvm2 (2.03.16-2)
Version: 2.03.16-2
Description: Linux Logical Volume Manager
 Version: this line is text
SHA256: ${'a'.repeat(64)}

Package: libaio1
Version: 0.3.113-4
SHA256: ${'b'.repeat(64)}

Package: without-a-file
Version: 1
`

describe('parseStanzas', () => {
  it('reads name, version and SHA-256 of each package that has a file', () => {
    expect(parseStanzas(STANZAS)).to.deep.equal([
      { name: 'lvm2', version: '2.03.16-2', sha256: 'a'.repeat(64) },
      { name: 'libaio1', version: '0.3.113-4', sha256: 'b'.repeat(64) },
    ])
  })
})

describe('packages.lock.json', () => {
  for (const [image, { contentsPath, lockPath }] of Object.entries({
    'the agent': AGENT_SOURCE,
    PostgreSQL: POSTGRESQL_SOURCE,
  }))
    it(`pins exactly the packages that root.yaml names, of the image of ${image}`, async () => {
      const { packages } = await readRootContents(contentsPath)
      const pins = await readLock(lockPath)
      expect(pins.map((pin) => pin.name)).to.deep.equal(packages)
    })

  it('is written as it is read', async () => {
    const { lockPath } = AGENT_SOURCE
    const directory = await mkdtemp(join(tmpdir(), 'loam-lock-'))
    try {
      const copy = join(directory, 'lock.json')
      await writeLock(copy, await readLock(lockPath))
      expect(await readFile(copy, 'utf8')).to.equal(await readFile(lockPath, 'utf8'))
    } finally {
      await rm(directory, { recursive: true })
    }
  })
})
