import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { expect } from 'chai'

import { silentLogger } from '../../../core/logger.ts'
import { createCommandRunner, type Command, type CommandRunner } from '../../../lvm/command-runner.ts'
import { OutcomeUnknown } from '../../../lvm/errors.ts'
import { withResidentLvm } from '../../../lvm/resident-lvm.ts'
import { USUAL_HABITS, type KeeperHabits } from '../../../lvm/shell-keeper.ts'
import { eventually } from '../../support/eventually.ts'
import { TELLS } from './fake-shell.ts'
import { thrownBy } from './thrown.ts'

const WORDS = ['vgs', 'vg1']

/** A shell, or a process when it has words; each start of either leaves its mark in a file. */
describe('resident lvm', () => {
  let directory: string
  let marks: string

  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'loam-resident-'))
    marks = join(directory, 'marks')
  })
  afterEach(() => rm(directory, { recursive: true }))

  const alone = (shellScript: string, deadlineMs = 5000): Command => ({
    ...{ file: 'sh', effect: 'read', deadlineMs, wantsReport: true },
    args: [
      '-c',
      `if [ $# -gt 0 ]; then echo process >>${marks}; echo by-process; exit 0; fi; echo shell >>${marks}; ${shellScript}`,
      'lvm',
      ...WORDS,
    ],
  })
  const program = (shellScript: string, deadlineMs?: number): Command => ({
    ...{ ...alone(shellScript, deadlineMs), shell: { words: WORDS, env: {} } },
  })
  const changing = (command: Command): Command => ({ ...command, effect: 'change', step: 'create-volume' })
  const ANSWERS = `while read -r line; do ${TELLS.whole}; done`
  const runnerWith = (habits: Partial<KeeperHabits> = {}): CommandRunner =>
    withResidentLvm(createCommandRunner({ log: silentLogger }), {
      log: silentLogger,
      habits: { ...USUAL_HABITS, ...habits },
    })
  const started = async (): Promise<string[]> => {
    const text = await readFile(marks, 'utf8').catch(() => '')
    return text.split('\n').filter((mark) => mark !== '')
  }
  /** Answers the proof, and does this instead of answering the first question. */
  const afterProof = (instead: string): string => `read -r line; ${TELLS.whole}; read -r line; ${instead}`

  it('asks one shell again and again', async () => {
    const runner = runnerWith()
    for (let times = 0; times < 3; times += 1)
      expect((await runner.run(program(ANSWERS))).report).to.include('"report"')
    expect(await started()).to.deep.equal(['shell'])
  })

  it('starts a process for what says no words, and for what has no line', async () => {
    const runner = runnerWith()
    await runner.run(alone(ANSWERS))
    await runner.run({ ...program(ANSWERS), shell: { words: [...WORDS, 'a\nb'], env: {} } })
    expect(await started()).to.deep.equal(['process', 'process'])
  })

  it('starts a process while the shell is at something else', async () => {
    const runner = runnerWith()
    const slow = afterProof(`sleep 1; ${TELLS.whole}; sleep 20`)
    const first = runner.run(program(slow))
    await eventually('the shell is started', async () => (await started()).length === 1)
    expect((await runner.run(program(slow))).stdout).to.equal('by-process\n')
    await first
  })

  it('leaves the outcome of a change unknown when the shell ends in it', async () => {
    const command = changing(program(afterProof('kill -KILL $$')))
    expect(await thrownBy(runnerWith().run(command))).to.be.instanceOf(OutcomeUnknown)
    expect(await started()).to.deep.equal(['shell'])
  })

  it('asks a process when the shell ends while it reads', async () => {
    const result = await runnerWith().run(program(afterProof('exit 3')))
    expect(result.stdout).to.equal('by-process\n')
  })

  it('starts a process when the shell does not prove itself, and no shell after so many', async () => {
    const runner = runnerWith({ mostFaults: 2 })
    for (let times = 0; times < 4; times += 1)
      expect((await runner.run(changing(program('exit 1')))).stdout).to.equal('by-process\n')
    expect(await started()).to.deep.equal([
      ...['shell', 'process', 'shell', 'process'],
      ...['process', 'process'],
    ])
  })

  it('kills a shell that reads for too long, which is no fault of it', async () => {
    const runner = runnerWith({ mostFaults: 1 })
    const error = await thrownBy(runner.run(program(afterProof('sleep 20'), 300)))
    expect(error).to.be.instanceOf(OutcomeUnknown).with.property('ended', undefined)
    await runner.run(program(ANSWERS))
    expect(await started()).to.deep.equal(['shell', 'shell'])
  })

  it('leaves a shell that changes for too long running, and starts processes beside it', async () => {
    const runner = runnerWith()
    const slow = afterProof(`sleep 1; ${TELLS.whole}; sleep 20`)
    const error = await thrownBy(runner.run(changing(program(slow, 300))))
    expect(error).to.be.instanceOf(OutcomeUnknown)
    expect((await runner.run(program(slow))).stdout).to.equal('by-process\n')
    await (error as OutcomeUnknown).ended
    expect(await started()).to.deep.equal(['shell', 'process'])
  })

  it('ends a shell that nobody asks, and one that has answered enough', async () => {
    const idle = runnerWith({ idleMs: 50 })
    const ANSWERS_AND_SAYS = `${ANSWERS}; echo ended >>${marks}`
    await idle.run(program(ANSWERS_AND_SAYS))
    await eventually('it has ended', async () => (await started()).length === 2)
    const worn = runnerWith({ mostAnswers: 2 })
    for (let times = 0; times < 4; times += 1) await worn.run(program(ANSWERS_AND_SAYS))
    await eventually('both have ended', async () => (await started()).length === 6)
    expect((await started()).filter((mark) => mark === 'shell')).to.have.length(3)
  })
})
