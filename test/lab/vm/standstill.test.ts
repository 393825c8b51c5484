import { expect } from 'chai'
import { errorOf, useVm, VM_TEST_TIMEOUT_MS } from './fixture.ts'
import { isRunning } from './processes.ts'
import { StoodStill, unlessItStandsStill } from './standstill.ts'

const LIMITS = { askEveryMs: 100, answerWithinMs: 3_000 }

describe('a virtual machine that stands still', function () {
  this.timeout(VM_TEST_TIMEOUT_MS)
  const { vm } = useVm()

  it('is told from one that works for long', async () => {
    const work = vm().run(['sh', '-c', 'sleep 5; echo done'])
    expect(await unlessItStandsStill(vm(), () => work, LIMITS)).to.equal('done\n')
  })

  it('keeps the error of the work', async () => {
    const work = (): Promise<string> => vm().run(['false'])
    expect(await errorOf(unlessItStandsStill(vm(), work, LIMITS))).to.include('status 1')
  })

  it('is cut, and its work given up', async () => {
    const { pid } = vm()
    const work = async (): Promise<string> => {
      process.kill(pid, 'SIGSTOP')
      return await vm().run(['true'])
    }
    const ended = unlessItStandsStill(vm(), work, LIMITS)
    expect(await errorOf(ended)).to.include('it has not run a program for 3 s')
    await ended.catch((error: unknown) => expect(error).to.be.instanceOf(StoodStill))
    expect(isRunning(pid)).to.equal(false)
  })
})
