import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { format, resolveConfig } from 'prettier'
import { RULES } from '../lvm/disk-rules.ts'
import { GROUP_PROBLEMS } from '../lvm/group-problems.ts'
import { OUTSIDE_REASONS } from '../lvm/outside-reasons.ts'

/**
 * Writes the tables of docs/disks.md from the tables by which disks and groups are judged. With --check it writes
 * nothing and exits with 1 when the page is not what they give.
 */
const PAGE = join(import.meta.dirname, '..', 'docs', 'disks.md')

interface Row {
  readonly reason: string
  readonly meaning: string
  readonly toDo: string
}

const DISK_ROWS: readonly (Row & { readonly state: string })[] = [
  ...Object.entries(OUTSIDE_REASONS).map(([reason, text]) => ({ reason, ...text })),
  ...RULES,
]

const tableOf = (rows: readonly Row[], heads: readonly [string, string, string]): string =>
  [
    `| ${heads.join(' | ')} |`,
    '| --- | --- | --- |',
    ...rows.map(
      ({ reason, meaning, toDo }) => `| \`${reason}\` | ${meaning} | ${toDo === '' ? '—' : toDo} |`,
    ),
  ].join('\n')

/** By the name in the page's markers. */
const TABLES: Readonly<Record<string, string>> = {
  accepted: tableOf(
    DISK_ROWS.filter(({ state }) => state === 'Accepted'),
    ['reason', 'meaning', 'what to do'],
  ),
  'not used': tableOf(
    DISK_ROWS.filter(({ state }) => state !== 'Accepted'),
    ['reason', 'what was found', 'what to do'],
  ),
  groups: tableOf(
    Object.entries(GROUP_PROBLEMS).map(([reason, text]) => ({ reason, ...text })),
    ['reason', 'meaning', 'what to do'],
  ),
}

/** The page with every table as it should be. @throws Error for a table that the page has no place for. */
export const withTables = async (page: string): Promise<string> => {
  let text = page
  for (const [name, table] of Object.entries(TABLES)) {
    const [start, end] = [`<!-- table: ${name} -->`, '<!-- end of table -->']
    const from = text.indexOf(start)
    const to = text.indexOf(end, from)
    if (from < 0 || to < 0) throw new Error(`docs/disks.md has no place "${start} … ${end}"`)
    text = `${text.slice(0, from)}${start}\n\n${table}\n\n${text.slice(to)}`
  }
  const style = (await resolveConfig(PAGE)) ?? {}
  return await format(text, { ...style, parser: 'markdown' })
}

const main = async (argv: readonly string[]): Promise<number> => {
  const found = await readFile(PAGE, 'utf8')
  const wanted = await withTables(found)
  if (!argv.includes('--check')) {
    await writeFile(PAGE, wanted)
    return 0
  }
  if (found === wanted) return 0
  console.error('the tables of docs/disks.md are not those of the code: run "npm run gen:docs" and commit it')
  return 1
}

if (import.meta.main) process.exitCode = await main(process.argv.slice(2))
