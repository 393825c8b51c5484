import { copyFile, mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { writeArchive } from '../../../scripts/oci/archive.ts'
import { packLayer } from '../../../scripts/oci/layer.ts'
import { ensurePrograms } from '../../lab/programs/build.ts'
import { silentProgress } from '../../lab/runtime/progress.ts'

/** Writes an archive of an image that holds kube-scheduler and nothing else, as that of Kubernetes; gives its path. */
export const writeSchedulerImage = async (name: string, folder: string): Promise<string> => {
  const directory = join(folder, 'scheduler-image')
  const bin = join(directory, 'usr/local/bin')
  await mkdir(bin, { recursive: true })
  const programs = await ensurePrograms(['kube-scheduler'], process.env, silentProgress)
  await copyFile(programs['kube-scheduler'], join(bin, 'kube-scheduler'))
  const output = join(folder, 'scheduler-layer.tar')
  const layer = await packLayer('kube-scheduler', { directory, output, modifiedAtSeconds: 0 })
  const config = { Entrypoint: ['kube-scheduler'], Env: ['PATH=/usr/local/bin'] }
  const archive = join(folder, 'scheduler-image.tar')
  await writeArchive({ name, layers: [layer], config, createdAtSeconds: 0, output: archive })
  return archive
}
