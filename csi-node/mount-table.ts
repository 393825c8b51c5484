import { readFile } from 'node:fs/promises'

import { parseMountInfo, type Mount } from '../lvm/mounts.ts'

/** The mounts that this process sees. Linux 5.8 and newer lose no line when mounts change while they are read. */
export const readMounts = async (): Promise<Mount[]> =>
  parseMountInfo(await readFile('/proc/self/mountinfo', 'utf8'))

/** The mount at exactly this path; the topmost when several lie on each other. */
export const mountAt = (mounts: readonly Mount[], path: string): Mount | undefined => {
  const here = mounts.filter((mount) => mount.mountPoint === path)
  return here.find((mount) => !here.some((other) => other.parentId === mount.id))
}
