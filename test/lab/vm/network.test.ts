import { expect } from 'chai'
import { execa } from 'execa'
import { waitFor } from '../runtime/wait.ts'
import { createNetwork, namespaceOf, removeNetwork } from './network.ts'

const namespace = namespaceOf(import.meta.filename)

/** Starts a child every few milliseconds; what is left of it would run for a minute. */
const BREEDER = 'while :; do sleep 61.5 & sleep 0.005; done'

const running = async (): Promise<string> =>
  (await execa('pgrep', ['-f', 'sleep 61.5'], { reject: false })).stdout

describe('network of virtual machines', function () {
  this.timeout(60_000)
  afterEach(() => removeNetwork(namespace))

  it('is removed with everything that runs in it, also what starts meanwhile', async () => {
    await createNetwork({ namespace, bridgeAddress: '10.98.0.1/24', taps: [] })
    const breeder = execa('ip', ['netns', 'exec', namespace, 'sh', '-c', BREEDER], { reject: false })
    await waitFor({ what: 'twenty children', timeoutMs: 30_000, intervalMs: 20 }, async () => {
      return (await running()).split('\n').length > 20
    })
    await removeNetwork(namespace)
    expect(await running()).to.equal('')
    expect((await execa('ip', ['netns', 'list'])).stdout).not.to.contain(namespace)
    expect((await breeder).signal).to.equal('SIGKILL')
  })
})
