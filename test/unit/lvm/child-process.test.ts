import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { expect } from 'chai'

import {
  MAX_OUTPUT_BYTES,
  runProgram,
  type ProgramEnd,
  type ProgramStart,
} from '../../../lvm/child-process.ts'
import { eventually } from '../../support/eventually.ts'
import { thrownBy } from './thrown.ts'

const shell = (script: string, other: Partial<ProgramStart> = {}): Promise<ProgramEnd> =>
  runProgram({
    file: 'sh',
    args: ['-c', script],
    env: { PATH: '/usr/bin:/bin' },
    wantsReport: false,
    ...other,
  })

const isRunning = (pid: number): boolean => {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}

describe('child process', () => {
  let directory: string
  before(async () => {
    directory = await mkdtemp(join(tmpdir(), 'loam-child-process-'))
  })
  after(() => rm(directory, { recursive: true }))

  it('is killed with all that it has started', async () => {
    const file = join(directory, 'pid')
    const end = await shell(`sleep 60 & echo $! >${file}; wait`, { killAfterMs: 300 })
    expect(end).to.include({ wasLate: true, signal: 'SIGTERM', exitCode: undefined })
    const pid = Number(await readFile(file, 'utf8'))
    expect(pid).to.be.above(1)
    await eventually('what it has started ends', () => Promise.resolve(!isRunning(pid)))
  })

  it('is killed for certain when it does not end by itself', async () => {
    const end = await shell('trap "" TERM; while :; do sleep 0.1; done', { killAfterMs: 200 })
    expect(end).to.include({ wasLate: true, signal: 'SIGKILL' })
  })

  it('has three files open, and the report when it is wanted', async () => {
    // one digit: those above are of whoever started the tests
    const list = 'for fd in /proc/self/fd/?; do [ -e $fd ] && echo ${fd##*/}; done'
    expect((await shell(list)).stdout).to.equal('0\n1\n2\n')
    expect((await shell(list, { wantsReport: true })).stdout).to.equal('0\n1\n2\n3\n')
  })

  it('may write without end, and what is kept of it has one', async () => {
    const end = await shell(`head -c ${MAX_OUTPUT_BYTES + 100_000} /dev/zero; echo last words >&2; exit 4`)
    expect(end).to.include({ exitCode: 4, isCutOff: true, stderr: '' })
    expect(end.stdout.length).to.be.most(MAX_OUTPUT_BYTES)
  })

  it('keeps characters whole that come in two pieces', async () => {
    const { stdout } = await shell(`printf '\\303'; sleep 0.2; printf '\\244'`)
    expect(stdout).to.equal('ä')
  })

  it('that cannot be started gives the code, also when Node.js refuses its arguments', async () => {
    expect(await thrownBy(shell('', { file: '/no/such/program' }))).to.have.property('code', 'ENOENT')
    expect(await thrownBy(shell('', { args: ['\0'] }))).to.have.property('code', 'ERR_INVALID_ARG_VALUE')
  })
})
