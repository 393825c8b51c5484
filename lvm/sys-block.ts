import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'

/** Where the kernel shows its block devices (sysfs(5)). */
export const SYS_BLOCK = '/sys/block'

/** The one line of a file of the kernel, or undefined when it cannot be read. */
export const readLine = async (...path: string[]): Promise<string | undefined> => {
  try {
    return (await readFile(join(...path), 'utf8')).trim()
  } catch {
    // a device that vanishes while it is looked at is one that is not there
    return undefined
  }
}

/** Kernel names of all device-mapper devices: `dm-3`. @throws Error when /sys fails. */
export const mappedDevices = async (): Promise<readonly string[]> =>
  (await readdir(SYS_BLOCK)).filter((name) => name.startsWith('dm-'))
