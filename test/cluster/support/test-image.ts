import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { writeBusyboxImage } from '../../lab/images/busybox.ts'

/** Writes an archive of a small image under that name; pods of it sleep until they are asked to end. */
export const writeTestImage = async (folder: string, name: string): Promise<string> => {
  const workspace = join(folder, 'test-image')
  await mkdir(workspace, { recursive: true })
  return writeBusyboxImage(name, workspace)
}
