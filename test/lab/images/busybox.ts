import { copyFile, mkdir, symlink } from 'node:fs/promises'
import { join } from 'node:path'
import { execa } from 'execa'
import { writeArchive } from '../../../scripts/oci/archive.ts'
import { digestOfFile } from '../../../scripts/oci/digest.ts'
import { packLayer } from '../../../scripts/oci/layer.ts'
import { BUSYBOX_IMAGE, PAUSE_IMAGE } from './names.ts'
import type { ImageSource } from './source.ts'

/** Debian's busybox-static: one file, no libraries, so it is a whole root file system. */
const BINARY = '/bin/busybox'

/** Runs until it is asked to end; as process 1 a shell would ignore SIGTERM unless it traps it. */
const SLEEP_UNTIL_TERM = ['/bin/sh', '-c', 'trap "exit 0" TERM; while :; do sleep 86400 & wait $!; done']

/** Every command of busybox as a link to it. `--list` names busybox itself, which must stay a file. */
const makeRoot = async (root: string): Promise<void> => {
  for (const folder of ['bin', 'tmp', 'etc', 'root']) await mkdir(join(root, folder), { recursive: true })
  await copyFile(BINARY, join(root, 'bin/busybox'))
  const { stdout } = await execa(BINARY, ['--list'])
  const commands = stdout.split('\n').filter((name) => name !== '' && name !== 'busybox')
  for (const command of commands) await symlink('busybox', join(root, 'bin', command))
}

/** Writes an archive of a busybox image under that name into the folder; gives its path. */
export const writeBusyboxImage = async (name: string, folder: string): Promise<string> => {
  const slug = name.replaceAll(/[^a-z0-9]+/g, '-')
  const root = join(folder, slug)
  await makeRoot(root)
  const layerFile = join(folder, `${slug}-layer.tar`)
  const layer = await packLayer('busybox', { directory: root, output: layerFile, modifiedAtSeconds: 0 })
  const config = { Entrypoint: SLEEP_UNTIL_TERM, Env: ['PATH=/bin'] }
  const output = join(folder, `${slug}.tar`)
  await writeArchive({ name, layers: [layer], config, createdAtSeconds: 0, output })
  return output
}

const imageSource = (name: string): ImageSource => ({
  key: async () => `${name} ${await digestOfFile(BINARY)}`,
  write: (folder) => writeBusyboxImage(name, folder),
})

/** What every node has: the sandbox of each pod, and an image for test pods. */
export const BASIC_IMAGES: readonly ImageSource[] = [imageSource(PAUSE_IMAGE), imageSource(BUSYBOX_IMAGE)]
