import { mkdir, mkdtemp, readFile, rm, symlink, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { execa } from 'execa'
import { writeArchive, type ArchiveRequest } from '../../../../scripts/oci/archive.ts'
import { digestOf, digestOfFile } from '../../../../scripts/oci/digest.ts'
import { packLayer, type Layer } from '../../../../scripts/oci/layer.ts'

interface Descriptor {
  readonly mediaType: string
  readonly digest: string
  readonly size: number
  readonly annotations?: Record<string, string>
}

describe('writeArchive', () => {
  let directory: string
  let layers: Layer[]

  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'loam-archive-'))
    layers = []
    for (const name of ['lower', 'upper']) {
      const content = join(directory, name)
      await mkdir(join(content, 'bin'), { recursive: true })
      await writeFile(join(content, 'bin/tool'), `the ${name} tool`, { mode: 0o755 })
      await symlink('tool', join(content, 'bin/alias'))
      const output = join(directory, `${name}.tar`)
      layers.push(await packLayer(name, { directory: content, output, modifiedAtSeconds: 0 }))
    }
  })

  afterEach(async () => await rm(directory, { recursive: true }))

  const request = (output: string): ArchiveRequest => ({
    name: 'docker.io/local/tool:1',
    layers,
    config: { Entrypoint: ['/bin/tool'], Env: ['A=b'] },
    createdAtSeconds: 0,
    output: join(directory, output),
  })

  const unpacked = async (archive: string) => {
    const target = await mkdtemp(join(directory, 'unpacked-'))
    await execa('tar', ['--extract', '--file', join(directory, archive), '--directory', target])
    const blob = async (digest: string): Promise<Buffer> =>
      await readFile(join(target, 'blobs', digest.replace(':', '/')))
    const json = async <T>(path: string): Promise<T> =>
      JSON.parse(await readFile(join(target, path), 'utf8')) as T
    return { target, blob, json }
  }

  it('writes an OCI layout whose every descriptor has the digest and size of its blob', async () => {
    const digest = await writeArchive(request('image.tar'))
    const { blob, json } = await unpacked('image.tar')

    expect(await json('oci-layout')).to.deep.equal({ imageLayoutVersion: '1.0.0' })
    const { manifests } = await json<{ manifests: Descriptor[] }>('index.json')
    expect(manifests.map((entry) => entry.digest)).to.deep.equal([digest])
    const manifest = JSON.parse((await blob(digest)).toString()) as {
      config: Descriptor
      layers: Descriptor[]
    }
    expect(manifest.layers.map((entry) => entry.digest)).to.deep.equal(layers.map((layer) => layer.digest))
    for (const entry of [...manifests, manifest.config, ...manifest.layers]) {
      const content = await blob(entry.digest)
      expect(digestOf(content)).to.equal(entry.digest)
      expect(content.length).to.equal(entry.size)
    }
    const config = JSON.parse((await blob(manifest.config.digest)).toString()) as Record<string, unknown>
    expect(config.rootfs).to.deep.equal({ type: 'layers', diff_ids: layers.map((layer) => layer.digest) })
    expect(config.config).to.deep.equal({ Entrypoint: ['/bin/tool'], Env: ['A=b'] })
    expect(manifests[0]?.annotations).to.deep.equal({
      'io.containerd.image.name': 'docker.io/local/tool:1',
      'org.opencontainers.image.ref.name': '1',
    })
  })

  it('writes the same bytes for the same layers', async () => {
    await writeArchive(request('first.tar'))
    await writeArchive(request('second.tar'))
    expect(await digestOfFile(join(directory, 'first.tar'))).to.equal(
      await digestOfFile(join(directory, 'second.tar')),
    )
  })

  it('leaves out the blobs of layers that the receiver has, and nothing else', async () => {
    const whole = await writeArchive(request('whole.tar'))
    const delta = await writeArchive({ ...request('delta.tar'), without: layers.slice(0, 1) })
    const [lower, upper] = layers
    const { blob } = await unpacked('delta.tar')

    expect(delta).to.equal(whole)
    expect(digestOf(await blob(upper?.digest ?? ''))).to.equal(upper?.digest)
    const failure = await blob(lower?.digest ?? '').catch((error: unknown) => error)
    expect(failure).to.have.property('code', 'ENOENT')
  })

  it('gives a layer the same digest whatever the times, the umask and the order of its files', async () => {
    const again = join(directory, 'again')
    await mkdir(join(again, 'bin'), { recursive: true, mode: 0o700 })
    await symlink('tool', join(again, 'bin/alias'))
    await writeFile(join(again, 'bin/tool'), 'the lower tool', { mode: 0o700 })
    await utimes(join(again, 'bin/tool'), 1_000_000, 1_000_000)
    const output = join(directory, 'again.tar')
    const layer = await packLayer('again', { directory: again, output, modifiedAtSeconds: 0 })
    expect(layer.digest).to.equal(layers[0]?.digest)
  })

  it('packs only the files asked for, and the directories on the way to them', async () => {
    const output = join(directory, 'part.tar')
    await packLayer('part', {
      directory: join(directory, 'lower'),
      files: ['bin/alias'],
      output,
      modifiedAtSeconds: 0,
    })
    const { stdout } = await execa('tar', ['--list', '--file', output])
    expect(stdout.split('\n')).to.deep.equal(['bin/', 'bin/alias'])
  })
})
