import { readFile, writeFile } from 'node:fs/promises'
import { expect } from 'chai'
import { errorOf, useVm, VM_TEST_TIMEOUT_MS } from './fixture.ts'
import { pathsOf } from './paths.ts'

describe('commands in a virtual machine', function () {
  this.timeout(VM_TEST_TIMEOUT_MS)
  const { vm, shell } = useVm()

  it('keep their arguments, streams and status apart and exact', async () => {
    const odd = `a 'b' "c" $d \\e\n*é`
    const result = await vm().exec(['sh', '-c', 'printf %s "$1"; echo problem >&2; exit 37', 'sh', odd])
    expect(result).to.deep.equal({ stdout: odd, stderr: 'problem\n', exitCode: 37 })
  })

  it('read an empty input unless they are given one', async () => {
    expect(await vm().run(['cat'])).to.equal('')
    expect(await vm().run(['cat'], { input: { text: 'given\n' } })).to.equal('given\n')
  })

  it('run in a directory and an environment of choice, as root', async () => {
    const options = { directory: '/var/lib', environment: { WORD: 'two words' } }
    expect(await vm().run(['sh', '-c', 'pwd; echo "$WORD"; id -u'], options)).to.equal(
      '/var/lib\ntwo words\n0\n',
    )
  })

  it('may be many at once', async () => {
    const numbers = Array.from({ length: 40 }, (_, index) => `${index}\n`)
    const texts = await Promise.all(numbers.map((text) => vm().run(['printf', '%s', text])))
    expect(texts).to.deep.equal(numbers)
  })

  it('may write much', async () => {
    const bytes = 3_000_000
    expect(await vm().run(['head', '-c', `${bytes}`, '/dev/zero'])).to.have.length(bytes)
  })

  it('are not waited for longer than they run, whatever they leave in the background', async () => {
    expect(await shell('sleep 1000 & echo $!')).to.match(/^\d+\n$/)
  })

  it('can have a terminal', async () => {
    expect(await vm().run(['tty'], { terminal: true })).to.match(/^\/dev\/pts\/\d+/)
    expect((await vm().exec(['tty'])).stdout).to.equal('not a tty\n')
  })

  it('report a program that is not there, and one that a signal ended', async () => {
    const absent = await vm().exec(['no-such-program'])
    expect(absent).to.deep.include({ exitCode: 127, stderr: 'no-such-program: No such file or directory\n' })
    expect((await vm().exec(['sh', '-c', 'kill -9 $$'])).exitCode).to.equal(137)
  })

  it('fail with status and output when they must succeed', async () => {
    const message = await errorOf(vm().run(['sh', '-c', 'echo reason >&2; exit 4']))
    expect(message).to.equal('VM vm1: status 4 from sh -c echo reason >&2; exit 4: reason')
  })

  it('are killed in the guest when their time is over', async () => {
    const message = await errorOf(vm().exec(['sleep', '987654'], { timeoutMs: 1000 }))
    expect(message).to.equal('VM vm1: no end within 1000 ms of: sleep 987654')
    await shell('while pgrep -f "[s]leep 987654"; do sleep 0.1; done')
  })

  it('need the secret of the state directory', async () => {
    const { token } = pathsOf(vm().directory)
    const secret = await readFile(token, 'utf8')
    await writeFile(token, 'a guess')
    try {
      expect(await errorOf(vm().exec(['true']))).to.match(/^VM vm1: lost the connection/)
    } finally {
      await writeFile(token, secret)
    }
    expect(await vm().run(['true'])).to.equal('')
  })

  it('fail at once when the VM dies', async () => {
    const waiting = errorOf(vm().exec(['sleep', '1000']))
    await vm().run(['true'])
    process.kill(vm().pid, 'SIGKILL')
    expect(await waiting).to.equal('VM vm1: ended while it ran: sleep 1000')
    expect(await errorOf(vm().exec(['true']))).to.equal('VM vm1: is not running, so it cannot run: true')
  })
})
