import type { DirectFile } from './direct-read.ts'
import { deviceNumberOf } from './device-number.ts'
import {
  AREA_HEADER_BYTES,
  HEAD_BYTES,
  lvmCrc,
  parseAreaHeader,
  parseLabel,
  type MetadataArea,
  type TextLocation,
} from './metadata-header.ts'

/** The metadata text on one disk. */
export interface DiskText {
  readonly deviceNumber: string
  /** 32 letters, without the hyphens with which LVM shows it. */
  readonly physicalVolumeUuid: string
  /** Without the zero byte that ends it. */
  readonly text: Buffer
}

/** LVM refuses larger areas itself (lvm2, format_text: 4 GiB); a text of this size has some 100,000 volumes. */
const MOST_TEXT_BYTES = 64n * 1024n * 1024n

/** A text that reaches the end of its area goes on behind the header. */
const readRing = async (file: DirectFile, area: MetadataArea, text: TextLocation): Promise<Buffer> => {
  const { offsetBytes, sizeBytes } = text
  const header = BigInt(AREA_HEADER_BYTES)
  if (offsetBytes < header || offsetBytes >= area.sizeBytes || sizeBytes > area.sizeBytes - header)
    throw new Error('the text does not lie in its metadata area')
  if (sizeBytes === 0n || sizeBytes > MOST_TEXT_BYTES)
    throw new Error(`a metadata text of ${sizeBytes} bytes`)
  const toEnd = area.sizeBytes - offsetBytes
  const first = sizeBytes < toEnd ? sizeBytes : toEnd
  const parts = [await file.read(area.offsetBytes + offsetBytes, Number(first))]
  if (first < sizeBytes) parts.push(await file.read(area.offsetBytes + header, Number(sizeBytes - first)))
  return Buffer.concat(parts)
}

const readArea = async (file: DirectFile, area: MetadataArea): Promise<Buffer> => {
  const found = parseAreaHeader(await file.read(area.offsetBytes, AREA_HEADER_BYTES), area)
  if (found?.text === undefined || found.text.ignored || found.text.hasPending)
    throw new Error('a metadata area without a text that counts')
  const text = await readRing(file, area, found.text)
  if (lvmCrc(text) !== found.text.checksum) throw new Error('the checksum of the metadata text is wrong')
  if (text.indexOf(0) !== text.length - 1)
    throw new Error('the metadata text does not end with its only zero byte')
  return text.subarray(0, -1)
}

/**
 * Reads the metadata text as a disk holds it: past every cache of this machine, each part checked by its own checksum.
 *
 * @throws Error when the disk has no label, no metadata area, or one in which not exactly one text counts; and when its
 *   areas differ.
 */
export const readDiskText = async (file: DirectFile): Promise<DiskText> => {
  const label = parseLabel(await file.read(0n, HEAD_BYTES))
  const [first, ...others] = label?.areas ?? []
  if (label === undefined || first === undefined) throw new Error('no label, or no metadata area')
  const text = await readArea(file, first)
  for (const area of others)
    if (!text.equals(await readArea(file, area))) throw new Error('its metadata areas differ')
  return {
    deviceNumber: deviceNumberOf(file.rdev),
    physicalVolumeUuid: label.physicalVolumeUuid,
    text,
  }
}
