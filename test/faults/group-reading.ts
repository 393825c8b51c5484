import { GROUP, handMadeLvm } from '../node/lvm/fixture.ts'

/** A run of extents on one disk, both ends included. */
export interface Extents {
  readonly disk: string
  readonly first: number
  readonly last: number
}

export interface ReadVolume {
  readonly uuid: string
  readonly name: string
  readonly sizeBytes: bigint
  readonly tags: readonly string[]
  readonly extents: readonly Extents[]
}

export interface ReadGroup {
  readonly uuid: string
  readonly seqno: number
  readonly volumes: readonly ReadVolume[]
}

type Rows = readonly Readonly<Record<string, string>>[]

const rowsOf = async (command: 'vgs' | 'lvs', fields: readonly string[]): Promise<Rows> => {
  const form = ['--reportformat', 'json', '--units', 'b', '--nosuffix']
  const text = await handMadeLvm(command, ...form, '--options', fields.join(','))
  const parsed = JSON.parse(text) as { report: readonly Readonly<Record<string, Rows>>[] }
  return parsed.report.flatMap((part) => part[command === 'vgs' ? 'vg' : 'lv'] ?? [])
}

/** `/dev/sdd:0-3 /dev/sde:0-1`, as lvs prints seg_pe_ranges. */
const extentsOf = (text: string): Extents[] =>
  text
    .split(' ')
    .filter((range) => range !== '')
    .map((range) => {
      const [, disk = '', first = '', last = ''] = /^(.*):(\d+)-(\d+)$/.exec(range) ?? []
      if (disk === '') throw new Error(`extents that cannot be read: "${range}"`)
      return { disk, first: Number(first), last: Number(last) }
    })

const volumesOf = (rows: Rows): ReadVolume[] =>
  [...new Set(rows.map((row) => row.lv_uuid ?? ''))].map((uuid) => {
    const segments = rows.filter((row) => row.lv_uuid === uuid)
    const [{ lv_name = '', lv_size = '', lv_tags = '' } = {}] = segments
    return {
      uuid,
      name: lv_name,
      sizeBytes: BigInt(lv_size),
      tags: lv_tags.split(','),
      extents: segments.flatMap((row) => extentsOf(row.seg_pe_ranges ?? '')),
    }
  })

/**
 * Every group of the tests' name on this machine, read by LVM as a person would: not with the code under test, which
 * may be wrong, and not with its view of devices, which may hide a second group.
 */
export const readGroups = async (): Promise<readonly ReadGroup[]> => {
  const groups = (await rowsOf('vgs', ['vg_name', 'vg_uuid', 'vg_seqno'])).filter(
    (row) => row.vg_name === GROUP,
  )
  if (groups.length === 0) return []
  const rows = await rowsOf('lvs', ['vg_uuid', 'lv_uuid', 'lv_name', 'lv_size', 'lv_tags', 'seg_pe_ranges'])
  return groups.map(({ vg_uuid = '', vg_seqno = '' }) => ({
    uuid: vg_uuid,
    seqno: Number(vg_seqno),
    volumes: volumesOf(rows.filter((row) => row.vg_uuid === vg_uuid)),
  }))
}
