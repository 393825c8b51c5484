import { readFile } from 'node:fs/promises'

import { mountsIn, parseMountInfo, type Mount } from '../lvm/mounts.ts'

/** Linux 5.8 and newer lose no line when mounts change while they are read. */
const readTable = (): Promise<string> => readFile('/proc/self/mountinfo', 'utf8')

/** The mounts that this process sees. */
export const readMounts = async (): Promise<Mount[]> => parseMountInfo(await readTable())

/** The mount at exactly this path of a table; the topmost when several lie on each other. */
export const mountAt = (table: string, path: string): Mount | undefined => {
  const here = mountsIn(table, path)
  return here.find((mount) => !here.some((other) => other.parentId === mount.id))
}

/** The mount that this process sees at exactly this path, for a fraction of what all of them cost. */
export const readMountAt = async (path: string): Promise<Mount | undefined> =>
  mountAt(await readTable(), path)
