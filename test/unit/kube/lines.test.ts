import { expect } from 'chai'
import fc from 'fast-check'
import { linesOf } from '../../../kube/lines.ts'

async function* piecesOf(pieces: readonly string[]): AsyncGenerator<string> {
  for (const piece of pieces) yield await Promise.resolve(piece)
}
const read = async (pieces: readonly string[]): Promise<string[]> => {
  const lines: string[] = []
  for await (const line of linesOf(piecesOf(pieces), 1000)) lines.push(line)
  return lines
}

describe('lines', () => {
  it('are the same however the text is cut', () =>
    fc.assert(
      fc.asyncProperty(fc.array(fc.string()), async (pieces) => {
        const whole = pieces.join('').split('\n').slice(0, -1)
        expect(await read(pieces)).to.deep.equal(whole)
      }),
    ))

  it('leaves out an unfinished last line', async () => {
    expect(await read(['a\nb\nc'])).to.deep.equal(['a', 'b'])
  })

  it('bounds a line that never ends', async () => {
    const outcome = await read(['x'.repeat(600), 'x'.repeat(600)]).catch((error: unknown) => error)
    expect(outcome).to.be.instanceOf(RangeError)
  })
})
