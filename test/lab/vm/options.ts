import { isAbsolute } from 'node:path'
import { LabError } from './errors.ts'
import { MAX_DRIVES } from './drives.ts'
import type { VmOptions } from './types.ts'

interface Rule {
  readonly broken: boolean
  readonly what: string
}

const hasDuplicates = (values: readonly string[]): boolean => new Set(values).size < values.length

/** Spaces end a kernel argument, a comma or colon ends the file name in a block device's. */
const isKernelSafePath = (path: string): boolean => isAbsolute(path) && !/[\s,:'"]/.test(path)

const pathsIn = ({ directory, drives }: VmOptions): readonly string[] => [
  directory,
  ...drives.flatMap(({ file, base, mount }) => [file, mount, ...(base === undefined ? [] : [base])]),
]

const rules = (options: VmOptions): readonly Rule[] => {
  const { name, disks, drives, memoryMiB, network } = options
  const badPaths = pathsIn(options).filter((path) => !isKernelSafePath(path))
  const badSizes = disks.filter(({ sizeBytes }) => sizeBytes <= 0 || sizeBytes % 512 !== 0)
  return [
    { broken: !/^[a-z0-9][a-z0-9-]{0,61}$/.test(name), what: `name "${name}" is not a DNS label` },
    { broken: memoryMiB < 128, what: `memoryMiB ${memoryMiB} is under 128, too little to boot` },
    {
      broken: badPaths.length > 0,
      what: `paths must be absolute, without space, comma, colon or quote: ${badPaths.join(' ')}`,
    },
    {
      broken: drives.length > MAX_DRIVES,
      what: `${drives.length} drives, but at most ${MAX_DRIVES} are possible`,
    },
    {
      broken: disks.some((disk) => !/^[a-z]$/.test(disk.name)),
      what: 'a disk name must be one letter from a to z',
    },
    { broken: hasDuplicates(disks.map((disk) => disk.name)), what: 'two disks have one name' },
    { broken: badSizes.length > 0, what: 'a disk size must be a positive multiple of 512 bytes' },
    {
      broken: !/^[\d.]+\/\d+$/.test(network.address),
      what: `address "${network.address}" is not like 10.99.0.11/24`,
    },
  ]
}

/** Refuses options that cannot work, with all faults at once. */
export const checkOptions = (options: VmOptions): void => {
  const faults = rules(options).filter(({ broken }) => broken)
  if (faults.length > 0) throw new LabError(`VM ${options.name}`, faults.map(({ what }) => what).join('; '))
}
