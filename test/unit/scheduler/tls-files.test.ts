import { X509Certificate } from 'node:crypto'
import { cp, mkdtemp, readFile, rename, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { PassThrough } from 'node:stream'
import { expect } from 'chai'
import { execa } from 'execa'
import { createLogger } from '../../../process/log.ts'
import {
  followTlsFiles,
  InvalidTlsFiles,
  loadTlsFiles,
  type TlsFiles,
  type TlsFollower,
} from '../../../scheduler/tls-files.ts'
import { eventually, failureOf } from '../../support/eventually.ts'

const SCRIPT = join(import.meta.dirname, '../../../scripts/certificates')
const DAY_MS = 86_400_000

describe('scheduler/tls-files', () => {
  let made: string
  let directory: string
  let follower: TlsFollower | undefined
  before(async () => {
    made = await mkdtemp(join(tmpdir(), 'loam-tls-made-'))
    for (const name of ['first', 'second']) await execa(SCRIPT, [join(made, name)])
  })
  after(async () => await rm(made, { recursive: true }))
  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'loam-tls-'))
  })
  afterEach(async () => {
    follower?.stop()
    await rm(directory, { recursive: true })
  })

  const server = (name: 'first' | 'second'): string => join(made, name, 'server')
  const text = (path: string): Promise<string> => readFile(path, 'utf8')

  /** As kubelet does it: the files are symlinks into `..data`, which is a symlink that is swapped. */
  let versions = 0
  const mount = async (source: string): Promise<void> => {
    const version = `..version-${(versions += 1)}`
    await cp(source, join(directory, version), { recursive: true })
    await symlink(version, join(directory, '..data_tmp'))
    await rename(join(directory, '..data_tmp'), join(directory, '..data'))
    for (const name of ['tls.crt', 'tls.key', 'ca.crt'])
      await symlink(join('..data', name), join(directory, name)).catch(() => undefined)
  }
  /** A copy of good files with one of them changed. */
  const spoilt = async (file: string, content: string | undefined): Promise<string> => {
    const copy = join(made, `spoilt-${(versions += 1)}`)
    await cp(server('first'), copy, { recursive: true })
    await (content === undefined ? rm(join(copy, file)) : writeFile(join(copy, file), content))
    return copy
  }

  it('reads what kubelet mounts, and when the certificate expires', async () => {
    await mount(server('first'))
    const files = await loadTlsFiles(directory)
    expect(files.cert).to.equal(await text(join(server('first'), 'tls.crt')))
    expect(files.expiresAtMs - files.validFromMs).to.equal(365 * DAY_MS)
  })

  it('reads files that belong together, however often they are swapped', async () => {
    await mount(server('first'))
    const swaps = { left: 40 }
    const swapOften = async (): Promise<void> => {
      for (; swaps.left > 0; swaps.left -= 1) await mount(server(swaps.left % 2 === 0 ? 'second' : 'first'))
    }
    const swapping = swapOften()
    // it throws when they do not
    while (swaps.left > 0) await loadTlsFiles(directory)
    await swapping
  })

  it('takes a chain, and more than one authority', async () => {
    const authorities = (await text(join(made, 'first/ca.crt'))) + (await text(join(made, 'second/ca.crt')))
    const { ca } = await loadTlsFiles(await spoilt('ca.crt', authorities))
    expect(ca).to.equal(authorities)
    const chain = (await text(join(server('first'), 'tls.crt'))) + (await text(join(made, 'first/ca.crt')))
    expect((await loadTlsFiles(await spoilt('tls.crt', chain))).cert).to.equal(chain)
  })

  const FAULTS: Readonly<
    Record<string, readonly [file: string, content: () => Promise<string> | string | undefined, says: string]>
  > = {
    'a certificate that is missing': ['tls.crt', () => undefined, 'it cannot be read: ENOENT'],
    'a key that is missing': ['tls.key', () => undefined, 'it cannot be read: ENOENT'],
    'a certificate that is none': ['tls.crt', () => 'x', 'it is not a certificate in PEM'],
    'a key that is none': ['tls.key', () => 'x', 'it is not a private key in PEM'],
    "another certificate's key": [
      'tls.key',
      () => text(join(server('second'), 'tls.key')),
      'it does not belong to tls.crt',
    ],
    'an authority that is no certificate': [
      'ca.crt',
      () => text(join(server('first'), 'tls.key')),
      'it is not made of certificates in PEM',
    ],
    'authorities one of which is broken': [
      'ca.crt',
      async () => {
        const good = await text(join(made, 'first/ca.crt'))
        return good + good.replace('MII', '')
      },
      'it is not made of certificates in PEM',
    ],
    'no authority': ['ca.crt', () => '', 'it is not made of certificates in PEM'],
  }
  for (const [what, [file, content, says]] of Object.entries(FAULTS))
    it(`refuses ${what}, and names the file`, async () => {
      const copy = await spoilt(file, await content())
      const { message } = await failureOf(loadTlsFiles(copy), InvalidTlsFiles)
      expect(message).to.contain(`file "${join(copy, file)}": ${says}`)
    })

  it('refuses a certificate that has expired, and says since when', async () => {
    const { validToDate } = new X509Certificate(await text(join(server('first'), 'tls.crt')))
    const load = (nowMs: number) => loadTlsFiles(server('first'), nowMs)
    await load(validToDate.getTime() - 1)
    const { message } = await failureOf(load(validToDate.getTime()), InvalidTlsFiles)
    expect(message).to.contain(`it expired at ${validToDate.toISOString()}`)
  })

  describe('when they are followed', () => {
    let nowMs: number
    let taken: TlsFiles[]
    let looks: number
    let lines: string[]
    let refuses: boolean

    const follow = async (): Promise<TlsFollower> => {
      await mount(server('first'))
      nowMs = Date.now()
      taken = []
      looks = 0
      lines = []
      refuses = false
      const stream = new PassThrough().on('data', (line: Buffer) => lines.push(line.toString()))
      follower = followTlsFiles({
        ...{ directory, inUse: await loadTlsFiles(directory), everyMs: 5 },
        now: () => {
          looks += 1
          return nowMs
        },
        onChange: (files) => {
          if (refuses) throw new Error('the server does not take them')
          taken.push(files)
        },
        log: createLogger('info', stream),
      })
      return follower
    }
    const logged = (what: string) => eventually(what, () => lines.find((line) => line.includes(what)))
    const looksMore = () => {
      const before = looks
      return eventually('it looked three times more', () => looks >= before + 3)
    }
    const takes = (count: number) => eventually(`${count} taken`, () => taken.length === count)

    it('gives new ones when a symlink was swapped', async () => {
      await follow()
      await mount(server('second'))
      await takes(1)
      expect(taken[0]?.cert).to.equal(await text(join(server('second'), 'tls.crt')))
      await mount(server('first'))
      await takes(2)
    })

    it('stays with those before while new ones are not good, says so once, and goes on', async () => {
      await follow()
      const other = await text(join(server('second'), 'tls.key'))
      await mount(await spoilt('tls.key', other))
      await logged('it does not belong to tls.crt')
      await looksMore()
      await mount(await spoilt('ca.crt', 'x'))
      await logged('it is not made of certificates')
      await mount(server('second'))
      await takes(1)
      expect(lines.filter((line) => line.includes('"warn"'))).to.have.length(2)
    })

    it('stays with those before while a file is missing, and does not give them again', async () => {
      await follow()
      await rm(join(directory, '..data'))
      await logged('it cannot be read: ENOENT')
      await mount(server('first'))
      await mount(server('second'))
      await takes(1)
      expect(taken[0]?.cert).to.equal(await text(join(server('second'), 'tls.crt')))
    })

    it('stays with those before when the server does not take the new ones', async () => {
      const following = await follow()
      const before = following.expiresAtMs()
      refuses = true
      await mount(server('second'))
      await logged('the server does not take them')
      expect([taken.length, following.expiresAtMs()]).to.deep.equal([0, before])
    })

    it('warns when a tenth of the time is left, and has a problem when none is', async () => {
      const following = await follow()
      expect(following.problem()).to.equal(undefined)
      nowMs = following.expiresAtMs() - 36 * DAY_MS
      await logged('certificate expires and has not been renewed')
      expect(following.problem()).to.equal(undefined)
      nowMs = following.expiresAtMs()
      expect(following.problem()).to.equal(
        `the certificate in ${directory} expired at ${new Date(nowMs).toISOString()}`,
      )
    })
  })
})
