/**
 * Makes csi-node/gen/ from csi-node/proto/ with buf and ts-proto. With --check it writes nothing and fails when the
 * committed code is not what the .proto files give, or when a .proto file is not the one that sources.json names.
 */
import { createHash } from 'node:crypto'
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { execa } from 'execa'
import * as v from 'valibot'

const PROTO_DIRECTORY = 'csi-node/proto'
const GENERATED_DIRECTORY = 'csi-node/gen'

const sourcesSchema = v.array(
  v.object({
    file: v.string(),
    module: v.string(),
    version: v.string(),
    path: v.string(),
    sha256: v.string(),
  }),
)

const changedSources = async (): Promise<string[]> => {
  const text = await readFile(join(PROTO_DIRECTORY, 'sources.json'), 'utf8')
  const faults: string[] = []
  for (const source of v.parse(sourcesSchema, JSON.parse(text))) {
    const content = await readFile(join(PROTO_DIRECTORY, source.file))
    const sha256 = createHash('sha256').update(content).digest('hex')
    if (sha256 === source.sha256) continue
    faults.push(
      `${source.file} has sha256 ${sha256}, and ${source.path} of ${source.module}@${source.version} has ${source.sha256}`,
    )
  }
  return faults
}

const generateInto = async (directory: string): Promise<void> => {
  const template = join(PROTO_DIRECTORY, 'buf.gen.yaml')
  await execa('node_modules/.bin/buf', ['generate', '--template', template, '--output', directory], {
    stdin: 'ignore',
  })
}

const filesIn = async (directory: string): Promise<string[]> => {
  const entries = await readdir(directory, { recursive: true, withFileTypes: true })
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(directory.length + 1))
    .sort()
}

const differences = async (wanted: string, committed: string): Promise<string[]> => {
  const names = new Set([...(await filesIn(wanted)), ...(await filesIn(committed))])
  const read = (directory: string, name: string): Promise<string | undefined> =>
    readFile(join(directory, name), 'utf8').catch(() => undefined)
  const faults: string[] = []
  for (const name of names) {
    if ((await read(wanted, name)) === (await read(committed, name))) continue
    faults.push(`${join(committed, name)} is not what the .proto files give: run npm run gen:proto`)
  }
  return faults
}

const check = async (): Promise<string[]> => {
  const fresh = await mkdtemp(join(tmpdir(), 'loam-gen-'))
  try {
    await generateInto(fresh)
    return [...(await changedSources()), ...(await differences(fresh, GENERATED_DIRECTORY))]
  } finally {
    await rm(fresh, { recursive: true })
  }
}

const write = async (): Promise<string[]> => {
  await rm(GENERATED_DIRECTORY, { recursive: true, force: true })
  await generateInto(GENERATED_DIRECTORY)
  return changedSources()
}

const faults = process.argv.includes('--check') ? await check() : await write()
for (const fault of faults) console.error(fault)
process.exitCode = faults.length === 0 ? 0 : 1
