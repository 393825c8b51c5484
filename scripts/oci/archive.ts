import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { digestOf, hexOf, type Digest } from './digest.ts'
import type { Layer } from './layer.ts'
import { packTar } from './tar.ts'

/** How a container starts from the image (OCI image-spec, config.md). */
export interface RunConfig {
  readonly Entrypoint: readonly string[]
  readonly Cmd?: readonly string[]
  /** `NAME=value` */
  readonly Env?: readonly string[]
  readonly WorkingDir?: string
  readonly Labels?: Readonly<Record<string, string>>
  /** What ends a container, by name; SIGTERM when absent. */
  readonly StopSignal?: string
}

export interface ArchiveRequest {
  /** Full reference, as a pod spec names it: `docker.io/loam/agent:0.1.0`. */
  readonly name: string
  /** Lowest first. */
  readonly layers: readonly Layer[]
  readonly config: RunConfig
  /** Written as the creation time of the image. */
  readonly createdAtSeconds: number
  readonly output: string
  /**
   * Layers to leave out of the archive. The image is the same, to the digest; only a content store that has those
   * layers already can take it.
   */
  readonly without?: readonly Layer[]
}

const MEDIA_TYPES = {
  index: 'application/vnd.oci.image.index.v1+json',
  manifest: 'application/vnd.oci.image.manifest.v1+json',
  config: 'application/vnd.oci.image.config.v1+json',
  layer: 'application/vnd.oci.image.layer.v1.tar',
} as const

interface Blob {
  readonly mediaType: string
  readonly digest: Digest
  readonly size: number
  readonly content: string
}

const jsonBlob = (mediaType: string, value: unknown): Blob => {
  const content = JSON.stringify(value)
  return { mediaType, digest: digestOf(content), size: Buffer.byteLength(content), content }
}

const descriptorOf = ({ mediaType, digest, size }: Blob) => ({ mediaType, digest, size })

const configBlob = ({ config, layers, createdAtSeconds }: ArchiveRequest): Blob => {
  const created = new Date(createdAtSeconds * 1000).toISOString()
  return jsonBlob(MEDIA_TYPES.config, {
    created,
    architecture: 'amd64',
    os: 'linux',
    config,
    // The layers are not compressed, so a blob's digest is its diff_id too.
    rootfs: { type: 'layers', diff_ids: layers.map((layer) => layer.digest) },
    history: layers.map((layer) => ({ created, created_by: `loam: ${layer.name}` })),
  })
}

const manifestBlob = (config: Blob, layers: readonly Layer[]): Blob =>
  jsonBlob(MEDIA_TYPES.manifest, {
    schemaVersion: 2,
    mediaType: MEDIA_TYPES.manifest,
    config: descriptorOf(config),
    layers: layers.map(({ digest, sizeBytes }) => ({
      mediaType: MEDIA_TYPES.layer,
      digest,
      size: sizeBytes,
    })),
  })

const indexOf = (name: string, manifest: Blob): unknown => ({
  schemaVersion: 2,
  mediaType: MEDIA_TYPES.index,
  manifests: [
    {
      ...descriptorOf(manifest),
      annotations: {
        // containerd and docker read the first, tools that follow the specification the second.
        'io.containerd.image.name': name,
        'org.opencontainers.image.ref.name': name.slice(name.lastIndexOf(':') + 1),
      },
    },
  ],
})

/**
 * Writes an image as an OCI image layout in a tar (image-spec, image-layout.md), which `ctr image import`, `podman
 * load`, `skopeo` and `docker load` (25 or later) take. Gives the digest of the manifest. Same layers and
 * config, same bytes. `output` appears only when it is whole.
 */
export const writeArchive = async (request: ArchiveRequest): Promise<Digest> => {
  const { name, layers, output, createdAtSeconds, without = [] } = request
  const config = configBlob(request)
  const manifest = manifestBlob(config, layers)
  await mkdir(dirname(output), { recursive: true })
  const layout = await mkdtemp(`${output}.layout-`)
  try {
    const blobs = join(layout, 'blobs/sha256')
    await mkdir(blobs, { recursive: true })
    await writeFile(join(layout, 'oci-layout'), JSON.stringify({ imageLayoutVersion: '1.0.0' }))
    await writeFile(join(layout, 'index.json'), JSON.stringify(indexOf(name, manifest)))
    for (const { digest, content } of [config, manifest]) await writeFile(join(blobs, hexOf(digest)), content)
    const left = new Set(without.map((layer) => layer.digest))
    for (const { digest, path } of layers)
      if (!left.has(digest)) await symlink(resolve(path), join(blobs, hexOf(digest)))
    await packTar({ directory: layout, output, modifiedAtSeconds: createdAtSeconds, dereference: true })
  } finally {
    await rm(layout, { recursive: true })
  }
  return manifest.digest
}
