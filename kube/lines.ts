/**
 * Splits text that comes in pieces at newlines. An unfinished last line is not passed on: the sender broke off.
 *
 * @throws RangeError when a line is longer than `limit` characters
 */
export async function* linesOf(pieces: AsyncIterable<string>, limit: number): AsyncGenerator<string> {
  let rest = ''
  for await (const piece of pieces) {
    const lines = (rest + piece).split('\n')
    rest = lines.pop() ?? ''
    if (rest.length > limit) throw new RangeError(`a line is longer than ${limit} characters`)
    yield* lines
  }
}
