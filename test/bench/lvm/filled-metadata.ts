import { randomUUID } from 'node:crypto'
import { tagsOf, type VolumeRecord } from '../../../core/volume-tags.ts'

/** An LVM UUID that tells its number: parts of six and four signs, like LVM's own. */
const lvmUuid = (number: number): string => {
  const digits = number.toString(36).padStart(32, '0')
  const ends = [6, 10, 14, 18, 22, 26, 32]
  return ends.map((end, index) => digits.slice(ends[index - 1] ?? 0, end)).join('-')
}

const recordOfClaim = (claimUid: string): VolumeRecord => ({
  state: 'used',
  clusterId: '11111111-2222-3333-4444-555555555555',
  claimUid,
  claimNamespace: 'default',
  claimName: 'data',
  storageClassName: 'fast',
  erase: 'zero',
  content: 'ext4',
})

/** One volume of one extent, as LVM writes it. */
const volumeSection = (index: number): string => {
  const claimUid = randomUUID()
  const tags = tagsOf(recordOfClaim(claimUid)).map((tag) => JSON.stringify(tag))
  return `
		pvc-${claimUid} {
			id = "${lvmUuid(index + 1)}"
			status = ["READ", "WRITE", "VISIBLE"]
			flags = ["NOAUTOACTIVATE"]
			tags = [${tags.join(', ')}]
			segment_count = 1

			segment1 {
				start_extent = 0
				extent_count = 1

				type = "striped"
				stripe_count = 1

				stripes = [
					"pv0", ${index}
				]
			}
		}
`
}

/**
 * Metadata of the same group with so many volumes of one extent each, for vgcfgrestore(8): a thousand volumes in one
 * command. `empty` is what vgcfgbackup(8) wrote of the group without any volume.
 *
 * @throws Error when `empty` does not look like that.
 */
export const filledMetadata = (empty: string, volumes: number, seqno: number): string => {
  if (!/^\tseqno = \d+$/m.test(empty) || empty.includes('logical_volumes') || !empty.endsWith('}\n'))
    throw new Error('this is no metadata of a group without volumes')
  const sections = Array.from({ length: volumes }, (_, index) => volumeSection(index)).join('')
  const section = volumes === 0 ? '' : `\n\tlogical_volumes {\n${sections}\t}\n`
  return `${empty.replace(/^\tseqno = \d+$/m, `\tseqno = ${seqno}`).slice(0, -'}\n'.length)}${section}}\n`
}
