import { access, mkdir, open, rename } from 'node:fs/promises'
import { dirname } from 'node:path'
import { execa } from 'execa'
import { LabError } from './errors.ts'
import { pathsOf } from './paths.ts'
import type { DriveSpec, VmOptions } from './types.ts'

const exists = (file: string): Promise<boolean> =>
  access(file).then(
    () => true,
    () => false,
  )

/** Makes a sparse file with an empty ext4, whole or not at all: a half-made one never gets the final name. */
const makeFileSystem = async (file: string, sizeBytes: number): Promise<void> => {
  const unfinished = `${file}.new`
  await mkdir(dirname(file), { recursive: true })
  const handle = await open(unfinished, 'w')
  await handle.truncate(sizeBytes)
  await handle.close()
  await execa('mkfs.ext4', ['-q', '-F', '-m', '0', '-J', 'size=16', '-E', 'nodiscard', unfinished])
  await rename(unfinished, file)
}

const MiB = 1024 * 1024

/** Room for every byte of every disk, and for the file system around them. The file is sparse. */
const storeSizeBytes = (options: VmOptions): number =>
  Math.ceil(options.disks.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0) * 1.05) + 128 * MiB

const prepareDrive = async (drive: DriveSpec): Promise<void> => {
  if (drive.base !== undefined) {
    // user-mode Linux makes the copy-on-write file by itself
    if (!(await exists(drive.base)))
      throw new LabError(`drive ${drive.file}`, `has no base file ${drive.base}`)
    await mkdir(dirname(drive.file), { recursive: true })
    return
  }
  if (await exists(drive.file)) return
  if (drive.sizeBytes === undefined) throw new LabError(`drive ${drive.file}`, 'needs base or sizeBytes')
  await makeFileSystem(drive.file, drive.sizeBytes)
}

/** Makes what is missing of the files behind disks and drives; what is there stays as it is. */
export const prepareDrives = async (options: VmOptions): Promise<void> => {
  const store = pathsOf(options.directory).disks
  if (options.disks.length > 0 && !(await exists(store))) await makeFileSystem(store, storeSizeBytes(options))
  for (const drive of options.drives) await prepareDrive(drive)
}

/** User-mode Linux has eight block devices, ubda to ubdh; ubda belongs to the disks. */
const driveDevices = ['ubdb', 'ubdc', 'ubdd', 'ubde', 'ubdf', 'ubdg', 'ubdh'] as const

export const MAX_DRIVES = driveDevices.length

const deviceAt = (index: number): string => driveDevices[index] ?? ''

/** Kernel arguments for the block devices. */
export const driveArguments = (options: VmOptions): readonly string[] => [
  ...(options.disks.length > 0 ? [`ubda=${pathsOf(options.directory).disks}`] : []),
  ...options.drives.map(
    ({ file, base }, index) => `${deviceAt(index)}=${file}${base === undefined ? '' : `,${base}`}`,
  ),
]

/** Lines "DEVICE MOUNTPOINT" for the guest. */
export const driveLines = (options: VmOptions): string =>
  options.drives.map(({ mount }, index) => `${deviceAt(index)} ${mount}`).join('\n')
