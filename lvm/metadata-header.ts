import { crc32 } from 'node:zlib'

/**
 * The two structures by which LVM finds the metadata text on a PhysicalVolume. The label is in one of the first four
 * sectors (lvm2, lib/label/label.h) and says where the metadata areas are; each of these begins with a header of 512
 * bytes that says where in it the current text is, and what its checksum is (lib/format_text/layout.h). LVM writes a
 * new text behind the last one, so the header differs after every change.
 */
const SECTOR_BYTES = 512
const LABEL_SECTORS = 4

/** Of both structures; `calc_crc` of lvm2 begins with this value and does not invert the result as zlib does. */
const CRC_START = 0xf597a6cf

/** LVM's checksum of labels, headers and texts. */
export const lvmCrc = (bytes: Buffer): number => ~crc32(bytes, ~CRC_START >>> 0) >>> 0

/** Both begin at the start of the device, and the usual first area's header is among these bytes, too. */
export const HEAD_BYTES = 8192

/** A metadata area on a device. */
export interface MetadataArea {
  readonly offsetBytes: bigint
  readonly sizeBytes: bigint
}

/** What LVM's label on a device says. */
export interface Label {
  /** 32 letters, without the hyphens with which LVM shows it. */
  readonly physicalVolumeUuid: string
  /** Of all that the label says, also of what is not read here, such as whether the disk is in use. */
  readonly checksum: number
  /** None on a disk that was made with `--metadatacopies 0`. */
  readonly areas: readonly MetadataArea[]
}

const LABEL_ID = 'LABELONE'
const LABEL_TYPE = 'LVM2 001'
/** Fields of the label's header, and behind it: what the checksum covers begins at the second. */
const LABEL = { sector: 8, crc: 16, covered: 20, type: 24, headerEnd: 32 } as const
const UUID_BYTES = 32
const DEVICE_SIZE_BYTES = 8
const LOCATION_BYTES = 16

const textAt = (bytes: Buffer, start: number, length: number): string =>
  bytes.toString('latin1', start, start + length)

const isLabel = (sector: Buffer, index: number): boolean =>
  textAt(sector, 0, LABEL_ID.length) === LABEL_ID &&
  sector.readBigUInt64LE(LABEL.sector) === BigInt(index) &&
  textAt(sector, LABEL.type, LABEL_TYPE.length) === LABEL_TYPE &&
  sector.readUInt32LE(LABEL.crc) === lvmCrc(sector.subarray(LABEL.covered))

/** A list of locations ends with one at offset 0. Undefined when it does not end inside the sector. */
const locationsAt = (sector: Buffer, start: number): MetadataArea[] | undefined => {
  const found: MetadataArea[] = []
  for (let at = start; at + LOCATION_BYTES <= sector.length; at += LOCATION_BYTES) {
    const offsetBytes = sector.readBigUInt64LE(at)
    if (offsetBytes === 0n) return found
    found.push({ offsetBytes, sizeBytes: sector.readBigUInt64LE(at + 8) })
  }
  return undefined
}

/** Reads the label in the first sectors of a device; undefined when there is none that is whole. */
export const parseLabel = (head: Buffer): Label | undefined => {
  const sectors = Array.from({ length: LABEL_SECTORS }, (_unused, index) =>
    head.subarray(index * SECTOR_BYTES, (index + 1) * SECTOR_BYTES),
  )
  const sector = sectors.find((each, index) => each.length === SECTOR_BYTES && isLabel(each, index))
  if (sector === undefined) return undefined
  const start = sector.readUInt32LE(LABEL.covered)
  // first the areas of data, then those of metadata
  const listsAt = start + UUID_BYTES + DEVICE_SIZE_BYTES
  const data = start < LABEL.headerEnd ? undefined : locationsAt(sector, listsAt)
  if (data === undefined) return undefined
  const areas = locationsAt(sector, listsAt + (data.length + 1) * LOCATION_BYTES)
  if (areas === undefined) return undefined
  return {
    physicalVolumeUuid: textAt(sector, start, UUID_BYTES),
    checksum: sector.readUInt32LE(LABEL.crc),
    areas,
  }
}

/** Where the current metadata text is, relative to its area. It may go on at the start of the area, as in a ring. */
export interface TextLocation {
  readonly offsetBytes: bigint
  readonly sizeBytes: bigint
  /** LVM's checksum of the text. */
  readonly checksum: number
  /** LVM does not write to such an area (`--vgmetadatacopies`): it shows an old state. */
  readonly ignored: boolean
  /** A command has written another text behind this one and not yet said that it counts, or died before. */
  readonly hasPending: boolean
}

const AREA_MAGIC = ' LVM2 x[5A%r0N*>'
const AREA_VERSION = 1
const AREA = { crc: 0, magic: 4, version: 20, start: 24, size: 32, texts: 40, pending: 64 } as const
const IGNORED_FLAG = 1

/** Bytes of the header of a metadata area. */
export const AREA_HEADER_BYTES = 512

/**
 * Reads the header of a metadata area. `text` is undefined in an area without a text: the disk is in no group.
 * Undefined when the header is not whole, or not that of this area.
 */
export const parseAreaHeader = (
  header: Buffer,
  area: MetadataArea,
): { readonly text: TextLocation | undefined } | undefined => {
  const isWhole =
    header.length === AREA_HEADER_BYTES &&
    header.readUInt32LE(AREA.crc) === lvmCrc(header.subarray(AREA.magic)) &&
    textAt(header, AREA.magic, AREA_MAGIC.length) === AREA_MAGIC &&
    header.readUInt32LE(AREA.version) === AREA_VERSION &&
    header.readBigUInt64LE(AREA.start) === area.offsetBytes &&
    header.readBigUInt64LE(AREA.size) === area.sizeBytes
  if (!isWhole) return undefined
  const offsetBytes = header.readBigUInt64LE(AREA.texts)
  if (offsetBytes === 0n) return { text: undefined }
  return {
    text: {
      offsetBytes,
      sizeBytes: header.readBigUInt64LE(AREA.texts + 8),
      checksum: header.readUInt32LE(AREA.texts + 16),
      ignored: (header.readUInt32LE(AREA.texts + 20) & IGNORED_FLAG) !== 0,
      hasPending: header.readBigUInt64LE(AREA.pending) !== 0n,
    },
  }
}
