import { expect } from 'chai'

import { silentLogger } from '../../../core/logger.ts'
import { complaintOf, createCommandRunner, withPrefix, type Command } from '../../../lvm/command-runner.ts'
import { CommandFailed, OutcomeUnknown } from '../../../lvm/errors.ts'
import { thrownBy } from './thrown.ts'

const runner = createCommandRunner({ log: silentLogger })
type Other = Partial<Omit<Command, 'effect' | 'step'>>

const shell = (script: string, other: Other = {}): Command => ({
  file: 'sh',
  args: ['-c', script],
  effect: 'read',
  deadlineMs: 5000,
  ...other,
})
const changing = (script: string, other: Other = {}): Command => ({
  ...shell(script, other),
  effect: 'change',
  step: 'write-zeros',
})

describe('command runner', () => {
  it('keeps status, both streams and the report apart', async () => {
    const result = await runner.run(
      shell('echo out; echo err >&2; echo rep >&3; exit 3', { wantsReport: true }),
    )
    expect(result).to.deep.equal({ exitCode: 3, stdout: 'out\n', stderr: 'err\n', report: 'rep\n' })
  })

  it('hands on nothing of its own environment, and no input', async () => {
    process.env.LOAM_SECRET = 'x'
    try {
      const { stdout } = await runner.run(shell('env; cat', { env: { LVM_SYSTEM_DIR: '/run/x' } }))
      expect(stdout).to.include('LC_ALL=C').and.to.include('LVM_SYSTEM_DIR=/run/x')
      expect(stdout).not.to.include('LOAM_SECRET')
    } finally {
      delete process.env.LOAM_SECRET
    }
  })

  it('takes arguments for what they are', async () => {
    const { stdout } = await runner.run({ ...shell(''), file: 'printf', args: ['%s', '$(id); `id`\n* "'] })
    expect(stdout).to.equal('$(id); `id`\n* "')
  })

  it('waits for the end of the process, not for pipes that a grandchild keeps open', async () => {
    const startedAt = performance.now()
    const { stdout } = await runner.run(changing('sleep 3 & echo done'))
    expect(stdout).to.equal('done\n')
    expect(performance.now() - startedAt).to.be.below(2500)
  })

  it('kills what only reads, at its deadline', async () => {
    const error = await thrownBy(runner.run(shell('exec sleep 20', { deadlineMs: 200 })))
    expect(error).to.be.instanceOf(OutcomeUnknown).with.property('ended', undefined)
  })

  it('leaves a change running, and tells when it ends', async () => {
    const error = await thrownBy(runner.run(changing('sleep 1', { deadlineMs: 200 })))
    expect(error).to.be.instanceOf(OutcomeUnknown)
    const { ended } = error as OutcomeUnknown
    expect(ended).to.be.instanceOf(Promise)
    await ended
  })

  it('calls the outcome of a killed command unknown', async () => {
    const error = await thrownBy(runner.run(changing('kill -9 $$')))
    expect(error)
      .to.be.instanceOf(OutcomeUnknown)
      .with.property('message')
      .that.matches(/SIGKILL/)
  })

  it('names a program that is not there', async () => {
    const error = await thrownBy(runner.run({ ...shell(''), file: 'no-such-program', args: [] }))
    expect(error)
      .to.be.instanceOf(CommandFailed)
      .with.property('message')
      .that.matches(/no-such-program.*ENOENT/)
  })

  it('puts a prefix before the program', async () => {
    const { stdout } = await withPrefix(runner, ['env', 'A=b']).run(shell('echo $A'))
    expect(stdout).to.equal('b\n')
  })

  it('makes one line of a complaint', () => {
    const stderr = '  WARNING: This metadata update is NOT backed up.\n  no room\n\n  really\n'
    expect(complaintOf({ exitCode: 5, stdout: '', stderr, report: '' })).to.equal(
      'exit status 5: no room; really',
    )
    expect(complaintOf({ exitCode: 0, stdout: '', stderr: '', report: '' })).to.equal('exit status 0')
  })
})
