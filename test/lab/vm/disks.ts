import { createHash } from 'node:crypto'

/** Serial number of a disk: 32 hexadecimal digits, the same in every boot of the VM of this name. */
export const diskSerial = (vmName: string, disk: string): string =>
  createHash('sha256').update(`${vmName}/${disk}`).digest('hex').slice(0, 32)

/** IEEE registered extended identifier: LIO's company prefix, then the first 25 digits of the serial number. */
const diskNaa = (vmName: string, disk: string): string => `6001405${diskSerial(vmName, disk).slice(0, 25)}`

/** The name that udev gives the disk in the guest, the same in every boot and in whatever order disks are found. */
export const diskById = (vmName: string, disk: string): string =>
  `/dev/disk/by-id/scsi-3${diskNaa(vmName, disk)}`
