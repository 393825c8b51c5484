import { access, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createHash } from 'node:crypto'
import { EXEC_PORT, readToken } from './channel.ts'
import { diskSerial } from './disks.ts'
import { driveLines } from './drives.ts'
import { findKernel } from './kernel.ts'
import { pathsOf } from './paths.ts'
import { assignments } from './shell.ts'
import type { VmOptions } from './types.ts'

/** A script of the guest's side of the lab. */
export const guestFile = (name: string): string => join(import.meta.dirname, 'guest', name)

/** Where the guest sees the host's `shared` folder of its state directory. */
export const SHARED_MOUNT = '/run/lab'

/**
 * Loaded at boot; the kernel loads other device-mapper targets when a table names them. dm-raid is left to that on
 * purpose: it measures its checksum routines for a second first.
 */
const modules = 'dm-mod dm-snapshot dm-thin-pool loop target_core_file tcm_loop sd_mod'

export const isPulled = (directory: string, disk: string): Promise<boolean> =>
  access(join(pathsOf(directory).pulled, disk)).then(
    () => true,
    () => false,
  )

/** An INQUIRY product name ends at 16 characters; the end of ours tells more than the beginning. */
const diskModel = (vmName: string, disk: string): string => `${vmName}-${disk}`.slice(-16)

const diskLines = async ({ name, directory, disks }: VmOptions): Promise<string> => {
  const lines = disks.map(async (disk) => {
    const place = (await isPulled(directory, disk.name)) ? 'out' : 'in'
    return [disk.name, disk.sizeBytes, diskSerial(name, disk.name), diskModel(name, disk.name), place].join(
      ' ',
    )
  })
  return (await Promise.all(lines)).join('\n')
}

/** Writes what the guest's first process reads. */
export const writeGuestFiles = async (options: VmOptions): Promise<void> => {
  const paths = pathsOf(options.directory)
  const values = {
    LAB_NAME: options.name,
    LAB_MACHINE_ID: createHash('md5').update(options.name).digest('hex'),
    LAB_ADDRESS: options.network.address,
    LAB_GATEWAY: options.network.gateway,
    LAB_SHARED: paths.shared,
    LAB_KERNEL_MODULES: (await findKernel(process.env)).modules,
    LAB_MODULES: modules,
    LAB_DISKS: await diskLines(options),
    LAB_DRIVES: driveLines(options),
    LAB_EXEC_PORT: String(EXEC_PORT),
    LAB_TOKEN: await readToken(options.directory),
    LAB_SCRIPT: options.guestScript ?? '',
  }
  await writeFile(paths.guestEnvironment, assignments(values))
  await writeFile(join(options.directory, 'script.env'), assignments(options.environment ?? {}))
}
