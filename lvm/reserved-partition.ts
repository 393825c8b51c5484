import type { PartitionEntry } from './signature.ts'

/** Partition types that firmware, boot loaders or other systems keep for themselves, though they may look empty. */
const RESERVED_TYPES: ReadonlyMap<string, string> = new Map([
  // GUIDs: UEFI 2.10, 5.3.3, and the Discoverable Partitions Specification
  ['c12a7328-f81f-11d2-ba4b-00a0c93ec93b', 'an EFI system partition'],
  ['21686148-6449-6e6f-744e-656564454649', 'a BIOS boot partition'],
  ['e3c9e316-0b5c-4db8-817d-f92df00215ae', 'a Microsoft reserved partition'],
  ['bc13c2ff-59e6-4262-a352-b275fd6f7172', 'an extended boot loader partition'],
  ['9e1a2d38-c612-4316-aa26-8b49521e5a8b', 'a PowerPC boot partition'],
  ['8da63339-0007-60c0-c436-083ac8230908', 'a Linux reserved partition'],
  // types of an MBR
  ['0x5', 'an extended partition'],
  ['0xf', 'an extended partition'],
  ['0x85', 'an extended partition'],
  ['0x41', 'a PowerPC boot partition'],
  ['0xef', 'an EFI system partition'],
])

const RESERVED_NAME = /bios|boot|reserved|efi system/i

/** What a partition is reserved for, by its type or its name in the table; undefined when it is free for data. */
export const reservedFor = ({ type, name }: PartitionEntry): string | undefined =>
  RESERVED_TYPES.get(type) ??
  (RESERVED_NAME.test(name) ? `a partition named ${JSON.stringify(name)}` : undefined)
