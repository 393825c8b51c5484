import { expect } from 'chai'
import type { CommandResult, CommandRunner } from '../../../lvm/command-runner.ts'
import { ThinCheck } from '../../../lvm/thin-check.ts'

const ended = (exitCode: number, stderr: string): CommandResult => ({ exitCode, stderr }) as CommandResult

describe('lvm/thin-check', () => {
  it('remembers why it could not be run, until it can', async () => {
    const answers = [
      Promise.reject(new Error('ENOENT')),
      Promise.resolve(ended(127, 'not found')),
      Promise.resolve(ended(0, '')),
    ]
    const runner: CommandRunner = {
      run: () => answers.shift() ?? Promise.reject(new Error('asked too often')),
    }
    const check = new ThinCheck(runner)
    expect(check.fault).to.equal(undefined)
    expect(await check.look()).to.equal('Error: ENOENT')
    expect(check.fault).to.equal('Error: ENOENT')
    expect(await check.look()).to.match(/not found/)
    expect(await check.look()).to.equal(undefined)
    expect(check.fault).to.equal(undefined)
  })
})
