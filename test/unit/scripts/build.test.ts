import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { expect } from 'chai'
import { execa } from 'execa'
import { bundle } from '../../../scripts/build.ts'

describe('bundle', () => {
  let directory: string
  const source = async (name: string, text: string): Promise<string> => {
    const path = join(directory, name)
    await mkdir(join(path, '..'), { recursive: true })
    await writeFile(path, text)
    return path
  }

  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'loam-bundle-'))
  })
  afterEach(async () => await rm(directory, { recursive: true }))

  const built = async (entry: string) =>
    await bundle({ entry, name: 'program', directory: join(directory, 'out') })
  const run = async (file: string, ...argv: string[]): Promise<string> =>
    (await execa(process.execPath, [file, ...argv])).stdout

  it('makes a program that runs without its sources', async () => {
    await source('greeting.ts', 'export const greeting: string = "hello"')
    const entry = await source('main.ts', "import { greeting } from './greeting.ts'\nconsole.log(greeting)")
    const { files } = await built(entry)
    await rm(entry)
    expect(files.map((file) => basename(file))).to.deep.equal(['program.cjs'])
    expect(await run(files[0] ?? '')).to.equal('hello')
  })

  it('puts what is imported lazily into a file of its own, which runs only when it is wanted', async () => {
    await source('deep/heavy.ts', 'console.log("loaded")\nexport const heavy = 7')
    const entry = await source(
      'main.ts',
      'const main = async () => console.log((await import("./deep/heavy.ts")).heavy)\nif (process.argv[2]) void main()',
    )
    const { files } = await built(entry)
    expect(files.map((file) => basename(file))).to.deep.equal(['program.cjs', 'heavy.cjs'])
    expect(await run(files[0] ?? '')).to.equal('')
    expect(await run(files[0] ?? '', 'wanted')).to.equal('loaded\n7')
  })

  it('gives libraries that ask for it the address of the file', async () => {
    const entry = await source('main.ts', 'console.log(import.meta.url)')
    const { files } = await built(entry)
    expect(await run(files[0] ?? '')).to.equal(`file://${files[0] ?? ''}`)
  })

  it('refuses two modules that would become one file', async () => {
    await source('a/same.ts', 'export const value = 1')
    await source('b/same.ts', 'export const value = 2')
    const entry = await source('main.ts', 'void import("./a/same.ts"); void import("./b/same.ts")')
    const failure = await built(entry).catch((error: unknown) => error)
    expect(failure).to.be.instanceOf(Error).with.property('message').that.contains('would both become')
  })
})
