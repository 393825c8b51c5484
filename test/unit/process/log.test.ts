import { PassThrough } from 'node:stream'
import { expect } from 'chai'
import { createLogger } from '../../../process/log.ts'

const linesOf = (write: (log: ReturnType<typeof createLogger>) => void): Record<string, unknown>[] => {
  const stream = new PassThrough()
  write(createLogger('info', stream))
  const text = (stream.read() as Buffer | null)?.toString() ?? ''
  return text
    .split('\n')
    .filter((line) => line.trim() !== '')
    .map((line) => JSON.parse(line) as Record<string, unknown>)
}

describe('process/log', () => {
  it('writes one JSON object a line: message, level, time and fields', () => {
    const [line] = linesOf((log) => log.info('volume made', { sizeBytes: 4194304n }))
    expect(line).to.include({ level: 'info', msg: 'volume made', sizeBytes: '4194304' })
    expect(String(line?.ts)).to.match(/^\d{4}-.*Z$/)
  })

  it('tells what an error was, and what caused it', () => {
    const error = new Error('outer', { cause: new Error('inner') })
    const [line] = linesOf((log) => log.error('failed', { error }))
    expect(line?.error).to.deep.include({ name: 'Error', message: 'outer' })
    expect(line?.error).to.have.nested.property('cause.message', 'inner')
  })

  it('adds the fields of a child, and drops what is below its level', () => {
    const lines = linesOf((log) => {
      const child = log.child({ component: 'claims' })
      child.debug('dropped')
      child.warn('kept', { claim: 'a/b' })
    })
    expect(lines).to.have.length(1)
    expect(lines[0]).to.include({ component: 'claims', claim: 'a/b', msg: 'kept' })
  })

  it('lets no field take the place of the message', () => {
    const [line] = linesOf((log) => log.info('constant', { message: 'not this one' }))
    expect(line?.msg).to.equal('constant')
  })
})
