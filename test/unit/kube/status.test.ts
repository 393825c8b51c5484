import { expect } from 'chai'
import { errorOfStatus } from '../../../kube/status.ts'

describe('errors of the API server', () => {
  const CASES: readonly (readonly [number, string | undefined, string])[] = [
    [400, 'BadRequest', 'Rejected'],
    [401, 'Unauthorized', 'Unauthorized'],
    [403, 'Forbidden', 'Forbidden'],
    [404, 'NotFound', 'NotFound'],
    [404, undefined, 'Rejected'],
    [405, 'MethodNotAllowed', 'Rejected'],
    [409, 'Conflict', 'Conflict'],
    [409, 'AlreadyExists', 'AlreadyExists'],
    [410, 'Expired', 'Gone'],
    [410, 'Gone', 'Gone'],
    [410, undefined, 'Gone'],
    [415, 'UnsupportedMediaType', 'Rejected'],
    [422, 'Invalid', 'Invalid'],
    [429, 'TooManyRequests', 'TooManyRequests'],
    [500, 'InternalError', 'Unavailable'],
    [503, 'ServiceUnavailable', 'Unavailable'],
    [504, 'Timeout', 'Unavailable'],
    [302, undefined, 'Unavailable'],
  ]
  for (const [code, reason, name] of CASES)
    it(`${code} ${reason ?? 'without a reason'} is ${name}`, () => {
      const error = errorOfStatus('Node "a"', code, {
        message: 'why',
        ...(reason === undefined ? {} : { reason }),
      })
      expect(error).to.include({ name, reason: name, status: code, object: 'Node "a"' })
      expect(error.message).to.match(new RegExp(`^Node "a": the API server answered ${code}: why`))
    })

  it('carries how long to wait, the header before the body, and nothing when it is no number', () => {
    const status = { details: { retryAfterSeconds: 2 } }
    expect(errorOfStatus('x', 429, status).retryAfterMs).to.equal(2000)
    expect(errorOfStatus('x', 429, status, '5').retryAfterMs).to.equal(5000)
    expect(errorOfStatus('x', 429, {}, 'Wed, 21 Oct 2026 07:28:00 GMT').retryAfterMs).to.equal(undefined)
    expect(errorOfStatus('x', 429, {}).retryAfterMs).to.equal(undefined)
  })

  it('bounds a wait that would make the caller deaf, or that no timer holds', () => {
    for (const header of ['86400', '99999999999'])
      expect(errorOfStatus('Node "a"', 429, {}, header).retryAfterMs).to.equal(600_000)
    expect(errorOfStatus('Node "a"', 429, {}, '599').retryAfterMs).to.equal(599_000)
  })
})
