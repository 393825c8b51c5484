import { createHash } from 'node:crypto'
import { access, mkdir, rename, rm, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { execa } from 'execa'
import type { Programs } from '../programs/build.ts'
import { isAlive, launch, stopProcess } from '../runtime/processes.ts'
import { waitFor } from '../runtime/wait.ts'
import { LabError } from '../vm/errors.ts'
import type { ImageSource } from './source.ts'

/** Room for the images of the base and for those that tests load; the file is sparse. */
const DISK_SIZE = '6G'

export interface BaseDiskRequest {
  readonly images: readonly ImageSource[]
  readonly programs: Programs<'containerd' | 'ctr'>
  readonly cache: string
  /** Folder for the work; removed afterwards. */
  readonly workspace: string
  readonly namespace: string
  readonly records: string
}

const exists = (path: string): Promise<boolean> =>
  access(path).then(
    () => true,
    () => false,
  )

/** The programs' paths hold the digest of their pins, so another containerd makes another disk. */
const fileName = async ({ images, programs }: BaseDiskRequest): Promise<string> => {
  const digest = createHash('sha256').update(`${programs.containerd} ${DISK_SIZE}`)
  for (const image of images) digest.update(await image.key())
  return `${digest.digest('hex').slice(0, 16)}.ext4`
}

const containerdConfig = (root: string, workspace: string): string => `version = 3
root = "${root}"
state = "${join(workspace, 'state')}"
disabled_plugins = [
  "io.containerd.cri.v1.images",
  "io.containerd.cri.v1.runtime",
  "io.containerd.grpc.v1.cri",
  "io.containerd.snapshotter.v1.devmapper",
]
[grpc]
  address = "${join(workspace, 'grpc.sock')}"
[ttrpc]
  address = "${join(workspace, 'ttrpc.sock')}"
`

/**
 * Imports the archives by a containerd on the host: it does in seconds what takes a node most of a minute. Its mounts
 * are in a mount namespace of its own (ip netns exec makes one), so none is left behind whatever happens.
 */
const importImages = async (request: BaseDiskRequest, root: string, archives: readonly string[]) => {
  const { programs, workspace, namespace, records } = request
  const config = join(workspace, 'containerd.toml')
  await writeFile(config, containerdConfig(root, workspace))
  const logFile = join(workspace, 'containerd.log')
  const argv = [programs.containerd, '--config', config]
  const containerd = await launch({ name: 'base-disk', argv, namespace, logFile, records })
  const ctr = ['--address', join(workspace, 'grpc.sock'), '--namespace', 'k8s.io']
  try {
    await waitFor({ what: 'containerd on the host', timeoutMs: 30_000, intervalMs: 50 }, async () => {
      if (!(await isAlive(containerd)))
        throw new LabError('containerd', 'ended', { advice: `see ${logFile}` })
      return (await execa(programs.ctr, [...ctr, 'version'], { reject: false })).exitCode === 0
    })
    for (const archive of archives) await execa(programs.ctr, [...ctr, 'image', 'import', archive])
  } finally {
    await stopProcess(records, containerd)
  }
}

const make = async (request: BaseDiskRequest, file: string): Promise<void> => {
  const { images, workspace, namespace } = request
  const root = join(workspace, 'root')
  await rm(workspace, { recursive: true, force: true })
  await mkdir(root, { recursive: true })
  await mkdir(dirname(file), { recursive: true })
  const archives: string[] = []
  for (const image of images) archives.push(await image.write(workspace))
  await importImages(request, root, archives)
  const unfinished = `${file}.${namespace}`
  await rm(unfinished, { force: true })
  await execa('mke2fs', ['-q', '-t', 'ext4', '-m', '0', '-J', 'size=16', '-d', root, unfinished, DISK_SIZE])
  await rename(unfinished, file)
  await rm(workspace, { recursive: true })
}

export interface BaseDisk {
  readonly file: string
  /** Makes it when the cache has none for these images and this containerd. */
  readonly ensure: () => Promise<void>
  readonly isCached: boolean
}

/** An ext4 for /var/lib/containerd with the images in it. Nodes write to copies on top, never to the file itself. */
export const baseDisk = async (request: BaseDiskRequest): Promise<BaseDisk> => {
  const file = join(request.cache, 'base-disks', await fileName(request))
  const isCached = await exists(file)
  return { file, isCached, ensure: () => (isCached ? Promise.resolve() : make(request, file)) }
}
