import { expect } from 'chai'
import { waitFor } from '../../../lab/runtime/wait.ts'

const messageOf = (promise: Promise<unknown>): Promise<string> =>
  promise.then(
    () => 'no error',
    (error: unknown) => String(error),
  )

describe('waiting for a condition', () => {
  it('gives the first answer', async () => {
    const answers = [undefined, false, 'there', 'later'] as const
    let asked = 0
    const options = { what: 'it', timeoutMs: 1000, intervalMs: 1 }
    expect(await waitFor(options, () => Promise.resolve(answers[asked++]))).to.equal('there')
    expect(asked).to.equal(3)
  })

  it('says what it waited for and what it saw when the time is up', async () => {
    const options = { what: 'a pod', timeoutMs: 0, intervalMs: 1, describe: () => 'no pods' }
    const message = await messageOf(waitFor(options, () => Promise.resolve(false)))
    expect(message).to.contain('a pod').and.to.contain('within 0 s').and.to.contain('no pods')
  })

  it('ends at once when asking fails', async () => {
    const options = { what: 'it', timeoutMs: 60_000, intervalMs: 1 }
    expect(await messageOf(waitFor(options, () => Promise.reject(new Error('gone'))))).to.equal('Error: gone')
  })
})
