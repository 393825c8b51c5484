import { finding, found, type DiskContext, type Rule } from './disk-rule.ts'
import type { DeviceLook } from './disk-look.ts'
import { describeSignature } from './signature.ts'

/** Words for a disk that holds something; the command is the admin's to type. */
const emptyIt = ({ device }: DeviceLook, { allowNonBlank }: DiskContext): string => {
  const byHand = `"wipefs --all ${device.devicePath} && blkdiscard --zeroout ${device.devicePath}"`
  const optIn =
    allowNonBlank === undefined
      ? `if nobody needs what is on it: ${byHand}, which destroys it`
      : `allowNonBlank names "${allowNonBlank}", and this disk is "${device.id}"; nothing is erased`
  return `${optIn}; else list another disk`
}

const placeOf = (firstNonZeroAt: bigint | undefined): string =>
  firstNonZeroAt === undefined ? '' : ` (its first byte that is not zero is byte ${firstNonZeroAt})`

/** What is on the disk. */
export const CONTENT_RULES: readonly Rule[] = [
  {
    reason: 'Signature',
    state: 'Refused',
    meaning:
      'a file system, swap, LUKS, md, ZFS, Ceph, bcache, or a partition table; the message says what and where',
    toDo: 'see below',
    yieldsToOptIn: true,
    applies: (look, context) =>
      look.content.kind === 'signature'
        ? finding(
            `carries ${describeSignature(look.content.signature)}${placeOf(look.content.firstNonZeroAt)}`,
            emptyIt(look, context),
          )
        : undefined,
  },
  {
    reason: 'PartitionTable',
    state: 'Refused',
    meaning: 'a partition table that only its own bytes show, such as the backup of a GPT',
    toDo: 'see below',
    yieldsToOptIn: true,
    applies: (look, context) =>
      look.content.kind === 'table'
        ? finding(`carries a ${look.content.table} partition table`, emptyIt(look, context))
        : undefined,
  },
  {
    reason: 'InUse',
    state: 'Refused',
    meaning: 'another program or kernel driver has claimed it',
    toDo: 'list another disk',
    applies: ({ unclaimed }) =>
      found(!unclaimed, 'is claimed by another program or kernel driver', 'list another disk'),
  },
  {
    reason: 'NotBlank',
    state: 'Refused',
    meaning: 'a byte that is not zero; the message says where',
    toDo: 'see below',
    yieldsToOptIn: true,
    applies: (look, context) =>
      look.content.kind === 'data'
        ? finding(`is not blank: byte ${look.content.firstNonZeroAt} is not zero`, emptyIt(look, context))
        : undefined,
  },
  {
    reason: 'SectorSize',
    state: 'Refused',
    meaning: "its sectors differ in size from those of the group's other disks",
    toDo: 'use disks of one kind for one group',
    applies: ({ device }, { sectorBytes }) =>
      found(
        sectorBytes !== undefined && device.sectorBytes !== sectorBytes,
        `has sectors of ${device.sectorBytes} bytes, the group's other disks of ${sectorBytes}`,
        'list disks of one sector size for one group',
      ),
  },
  {
    reason: 'Blank',
    state: 'Accepted',
    meaning: 'nothing was found; it is taken into the volume group',
    toDo: '',
    applies: ({ content }) => found(content.kind === 'zeros', 'is blank and unused', ''),
  },
]
