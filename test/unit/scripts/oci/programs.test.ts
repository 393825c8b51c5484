import { glob, readFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { expect } from 'chai'
import { parse } from 'yaml'

const ROOT = join(import.meta.dirname, '../../../..')
/** How a Command, and a table of commands, name their program. */
const PROGRAM = /\bfile: '([a-z0-9._-]+)'/g

const programsOf = async (file: string): Promise<string[]> =>
  [...(await readFile(file, 'utf8')).matchAll(PROGRAM)].flatMap(([, name]) => name ?? [])

describe('programs of the image', () => {
  it('are all that the agent runs by name', async () => {
    const run = new Set<string>()
    for await (const file of glob('{agent,csi-node,lvm}/**/*.ts', { cwd: ROOT }))
      for (const name of await programsOf(join(ROOT, file))) run.add(name)
    const { programs } = parse(await readFile(join(ROOT, 'scripts/oci/root.yaml'), 'utf8')) as {
      programs: string[]
    }
    expect([...run]).to.include.members(['lvm', 'blkid', 'blockdev', 'mkfs.ext4', 'umount'])
    expect(programs.map((path) => basename(path))).to.include.members([...run])
  })
})
