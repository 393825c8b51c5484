import { expect } from 'chai'
import { cacheCredentials } from '../../../kube/credentials-cache.ts'
import { Unavailable } from '../../../kube/errors.ts'
import { failureOf } from '../../support/eventually.ts'

describe('credentials cache', () => {
  let reads: number
  const read = () => Promise.resolve({ tls: {}, authorization: `Bearer ${(reads += 1)}` })
  beforeEach(() => {
    reads = 0
  })

  it('reads once for requests that follow each other', async () => {
    const { credentials } = cacheCredentials('token', read)
    const answers = await Promise.all([credentials(), credentials()])
    expect([...answers, await credentials()].map(({ authorization }) => authorization)).to.deep.equal([
      'Bearer 1',
      'Bearer 1',
      'Bearer 1',
    ])
  })

  it('reads again when they are old', async () => {
    const { credentials } = cacheCredentials('token', read, 0)
    await credentials()
    expect((await credentials()).authorization).to.equal('Bearer 2')
  })

  it('reads again at once when the server refused them', async () => {
    const { credentials, renew } = cacheCredentials('token', read)
    await credentials()
    renew()
    expect((await credentials()).authorization).to.equal('Bearer 2')
  })

  it('does not remember a failure', async () => {
    let attempts = 0
    const readLater = () => (attempts++ === 0 ? Promise.reject(new Error('ENOENT')) : read())
    const { credentials } = cacheCredentials('token of agent', readLater)
    const error = await failureOf(credentials(), Unavailable)
    expect(error.message).to.equal('token of agent: cannot be read: ENOENT')
    expect((await credentials()).authorization).to.equal('Bearer 1')
  })
})
