import { mkdir, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

import { atStep } from '../core/failpoints.ts'
import { checkDevicePath } from './names.ts'

/**
 * Which LVM is run: the host's own, in its namespaces, or the one in our image.
 * docs/decisions/0030-which-lvm-and-udev.md has the evidence.
 */
export type LvmLocation = 'host' | 'image'

/** Runs a program in the namespaces that LVM needs of the host: its files, its udev cookies (System V IPC), its net. */
export const HOST_PREFIX = ['nsenter', '--target', '1', '--mount', '--ipc', '--uts', '--net', '--'] as const

/**
 * udev's cookies are semaphores of the IPC namespace (dmsetup(8), "udevcomplete"): on the host udevd answers them;
 * in a container with an IPC namespace of its own nobody does, and the command waits for ever.
 */
const UDEV: Record<LvmLocation, string> = {
  host: 'udev_sync = 1\n  udev_rules = 1',
  image: 'udev_sync = 0\n  udev_rules = 0\n  verify_udev_operations = 0',
}

/** No device at all, so that a command that was not given its disks finds nothing instead of everything. */
const NO_DEVICES = '"r|.*|"'

/**
 * A private lvm.conf(5). `use_aio` is read before `--config` is merged, so it works only from a file; it is three
 * quarters of the time of a command. Archives and backups grow with each change, and their advice is printed into
 * reports. A thin pool that is full waits a minute for more space before it fails a write (lvmthin(7), "Data space
 * exhaustion"): it is made larger meanwhile, by us and by nobody else. LVM's own retries when a volume is open take five seconds in which it holds the group's lock: ours are in
 * activation.ts. The locking directory stays the compiled-in one, which every LVM of the machine shares.
 */
export const lvmConfigText = (
  location: LvmLocation,
): string => `# Written by Loam at each start; changes are lost.
devices {
  dir = "/dev"
  scan = [ "/dev" ]
  global_filter = [ ${NO_DEVICES} ]
  use_devicesfile = 0
  hints = "none"
  scan_lvs = 0
  obtain_device_list_from_udev = 0
  external_device_info_source = "none"
  allow_mixed_block_sizes = 0
  issue_discards = 0
}
backup {
  backup = 0
  archive = 0
}
global {
  use_aio = 0
  event_activation = 0
  notify_dbus = 0
  system_id_source = "none"
  use_lvmlockd = 0
  use_lvmpolld = 0
}
activation {
  monitoring = 0
  error_when_full = 0
  thin_pool_autoextend_threshold = 100
  retry_deactivation = 0
  ${UDEV[location]}
}
`

/** Where the lvm.conf of the shell that is kept running is. */
export const shellDirectoryIn = (systemDirectory: string): string => join(systemDirectory, 'shell')

/**
 * The lvm.conf(5) of a shell that is kept running. Silent: LVM answers its own questions with "no" instead of reading the
 * next command as the answer. With a log of each command, lvmreport(7), it says how it ended, which nothing else tells.
 */
export const shellConfigText = (location: LvmLocation): string => `${lvmConfigText(location)}
log {
  silent = 1
  report_command_log = 1
  command_log_selection = "log_type!=status || log_object_type=cmd"
}
report {
  output_format = "json"
}
`

const writeWhole = async (directory: string, text: string): Promise<void> => {
  const file = join(directory, 'lvm.conf')
  await mkdir(directory, { recursive: true, mode: 0o700 })
  await atStep('write-lvm-config', async () => {
    await writeFile(`${file}.new`, text, { mode: 0o600 })
    await rename(`${file}.new`, file)
  })
}

/** Writes lvm.conf into a directory for LVM_SYSTEM_DIR, and that of the shell below it, each whole or not at all. */
export const writeLvmConfig = async (directory: string, location: LvmLocation): Promise<void> => {
  await writeWhole(directory, lvmConfigText(location))
  await writeWhole(shellDirectoryIn(directory), shellConfigText(location))
}

/** Signs with a meaning in LVM's patterns become sets of one. */
const literally = (path: string): string => path.replaceAll(/[.+]/g, (sign) => `[${sign}]`)

/** Devices that a command may see: these, or every one of the machine. */
export type DeviceView = readonly string[] | 'every device'

/**
 * `--config` value that shows LVM exactly these devices. Any of a device's names may be given: LVM accepts a device
 * when one of its names is accepted, so a /dev/disk/by-id link survives a renumbering of kernel names.
 *
 * @throws Refused for a path that is not a plain path below /dev.
 */
export const deviceFilter = (devices: DeviceView): string => {
  if (devices === 'every device') return 'devices/global_filter=["a|.*|"]'
  const accepted = devices.map((device) => `"a|^${literally(checkDevicePath(device))}$|"`)
  return `devices/global_filter=[${[...accepted, NO_DEVICES].join(',')}]`
}
