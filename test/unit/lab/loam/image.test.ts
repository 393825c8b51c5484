import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { writeArchive } from '../../../../scripts/oci/archive.ts'
import { packLayer } from '../../../../scripts/oci/layer.ts'
import { baseImageOf } from '../../../lab/loam/image.ts'

describe('agent image on the base disk', () => {
  let folder: string

  const layer = async (content: string) => {
    const directory = join(folder, `root-${content}`)
    await mkdir(directory, { recursive: true })
    await writeFile(join(directory, 'file'), content)
    return packLayer(content, { directory, output: join(folder, `${content}.tar`), modifiedAtSeconds: 0 })
  }
  /** Key of an image of these layers, lowest first. */
  const keyOf = async (...contents: string[]): Promise<string> => {
    const layers = []
    for (const content of contents) layers.push(await layer(content))
    const output = join(folder, `${contents.join('-')}.tar`)
    await writeArchive({
      name: 'docker.io/test/a:1',
      layers,
      config: { Entrypoint: ['/a'] },
      createdAtSeconds: 0,
      output,
    })
    return baseImageOf({ archive: 'unused', delta: output }).key()
  }

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'lab-'))
  })
  after(() => rm(folder, { recursive: true }))

  it('needs no new disk when only the agent itself has changed', async () => {
    expect(await keyOf('debian', 'node', 'app1')).to.equal(await keyOf('debian', 'node', 'app2'))
  })

  it('needs a new disk when a layer below has changed', async () => {
    expect(await keyOf('debian', 'node', 'app1')).not.to.equal(await keyOf('debian', 'other', 'app1'))
  })
})
