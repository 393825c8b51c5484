import { readFile } from 'node:fs/promises'

/** One line of the kernel's mount table (proc(5), /proc/pid/mountinfo). */
export interface Mount {
  readonly id: number
  readonly parentId: number
  /** `major:minor` of the file system's device; btrfs has one of its own that names no disk. */
  readonly deviceNumber: string
  readonly mountPoint: string
  /** Options of this mount alone, such as `ro` and `nosuid`; not those of the file system. */
  readonly options: readonly string[]
  /** Options of the file system, the same at all of its mounts: `ro` here means that nobody can write. */
  readonly fileSystemOptions: readonly string[]
  readonly fileSystemType: string
  readonly source: string
}

const unescape = (field: string): string =>
  field.replaceAll(/\\([0-7]{3})/g, (_escape, digits: string) => String.fromCharCode(parseInt(digits, 8)))

/** Reads a mount table. Lines that are not understood are an error: a mount must not be overlooked. */
export const parseMountInfo = (text: string): Mount[] =>
  text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => {
      const [before = '', after = ''] = line.split(' - ')
      const [id, parentId, deviceNumber, , mountPoint, options] = before.split(' ')
      const [fileSystemType, source, fileSystemOptions] = after.split(' ')
      if (
        deviceNumber === undefined ||
        mountPoint === undefined ||
        options === undefined ||
        fileSystemType === undefined ||
        source === undefined ||
        fileSystemOptions === undefined
      )
        throw new Error(`mount table: line not understood: ${JSON.stringify(line)}`)
      return {
        id: Number(id),
        parentId: Number(parentId),
        deviceNumber,
        mountPoint: unescape(mountPoint),
        options: options.split(','),
        fileSystemOptions: fileSystemOptions.split(','),
        fileSystemType,
        source: unescape(source),
      }
    })

const MOUNT_POINT_FIELD = 4

/** Its mount point only, without reading the rest. */
const mountPointIn = (line: string): string => {
  let at = 0
  for (let field = 0; field < MOUNT_POINT_FIELD; field += 1) at = line.indexOf(' ', at) + 1
  return unescape(line.slice(at, line.indexOf(' ', at)))
}

/**
 * The mounts at exactly this path. Of a node with a thousand mounts it reads a few lines whole, and takes a tenth of the
 * time of parseMountInfo; so a line of another mount that is not understood is no error here.
 */
export const mountsIn = (text: string, mountPoint: string): Mount[] =>
  parseMountInfo(
    text
      .split('\n')
      .filter((line) => mountPointIn(line) === mountPoint)
      .join('\n'),
  )

/** Devices in use as swap space (proc(5), /proc/swaps). */
export const parseSwaps = (text: string): string[] =>
  text
    .split('\n')
    .slice(1)
    .filter((line) => line !== '')
    .map((line) => unescape(line.split(/\s+/)[0] ?? ''))

/** What the whole machine has in use: process 1 sees the host's mounts when the pod shares the host's processes. */
export interface HostUse {
  readonly mounts: readonly Mount[]
  readonly swaps: readonly string[]
}

export const readHostUse = async (): Promise<HostUse> => ({
  mounts: parseMountInfo(await readFile('/proc/1/mountinfo', 'utf8')),
  swaps: parseSwaps(await readFile('/proc/swaps', 'utf8')),
})

/** Where a device is mounted: by its number, or by one of its names where the number says nothing (btrfs). */
export const mountPointsOf = (
  mounts: readonly Mount[],
  device: { readonly deviceNumber: string; readonly paths: readonly string[] },
): string[] =>
  mounts
    .filter((mount) => mount.deviceNumber === device.deviceNumber || device.paths.includes(mount.source))
    .map((mount) => mount.mountPoint)
