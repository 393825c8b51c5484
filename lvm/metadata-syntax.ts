/** A value of LVM's configuration syntax. */
export type ConfigValue = string | bigint | readonly (string | bigint)[] | ConfigSection
export type ConfigSection = ReadonlyMap<string, ConfigValue>

/** Blank space and comments. */
const BLANK = /\s*(?:#[^\n]*\n\s*)*/y
const WORD = /[A-Za-z0-9_.+-]+/y
const STRING = /"[^"\\]*(?:\\["\\][^"\\]*)*"/y
const INTEGER = /^-?\d{1,18}$/

type Token = { readonly word: string } | { readonly text: string } | { readonly sign: string }

const SIGNS: ReadonlyMap<string, Token> = new Map(
  ['{', '}', '[', ']', '=', ','].map((sign) => [sign, { sign }]),
)

/** A thousand volumes are half a megabyte of text, read after every change: nothing is made here that is not given away. */
class Tokens {
  readonly #source: string
  #at = 0

  constructor(source: string) {
    this.#source = source
  }

  next(): Token {
    this.#pass(BLANK)
    const start = this.#at
    const first = this.#source.charAt(start)
    const sign = SIGNS.get(first)
    if (sign !== undefined) {
      this.#at += 1
      return sign
    }
    if (!this.#pass(first === '"' ? STRING : WORD)) throw new Error(`unexpected text at character ${start}`)
    if (first !== '"') return { word: this.#source.slice(start, this.#at) }
    const text = this.#source.slice(start + 1, this.#at - 1)
    return { text: text.includes('\\') ? text.replaceAll(/\\(.)/g, '$1') : text }
  }

  isAtEnd(): boolean {
    this.#pass(BLANK)
    return this.#at === this.#source.length
  }

  /** Goes past what matches here, if anything does. */
  #pass(pattern: RegExp): boolean {
    pattern.lastIndex = this.#at
    if (!pattern.test(this.#source)) return false
    this.#at = pattern.lastIndex
    return true
  }

  fail(what: string): never {
    throw new Error(`${what} before character ${this.#at}`)
  }
}

const isSign = (token: Token, sign: string): boolean => 'sign' in token && token.sign === sign

const scalarOf = (tokens: Tokens, token: Token): string | bigint => {
  if ('text' in token) return token.text
  if ('word' in token && INTEGER.test(token.word)) return BigInt(token.word)
  return tokens.fail('neither a string nor an integer')
}

const readArray = (tokens: Tokens): (string | bigint)[] => {
  const items: (string | bigint)[] = []
  for (let token = tokens.next(); !isSign(token, ']'); token = tokens.next()) {
    items.push(scalarOf(tokens, token))
    const behind = tokens.next()
    if (isSign(behind, ']')) break
    if (!isSign(behind, ',')) tokens.fail('no comma')
  }
  return items
}

const readValue = (tokens: Tokens): ConfigValue => {
  const token = tokens.next()
  return isSign(token, '[') ? readArray(tokens) : scalarOf(tokens, token)
}

const readEntry = (tokens: Tokens, key: string): ConfigValue => {
  const token = tokens.next()
  if (isSign(token, '=')) return readValue(tokens)
  return isSign(token, '{') ? readSection(tokens) : tokens.fail(`neither = nor { after "${key}"`)
}

const readNamed = (tokens: Tokens, token: Token, entries: Map<string, ConfigValue>): void => {
  if (!('word' in token)) return tokens.fail('no name')
  const { word } = token
  if (entries.has(word)) tokens.fail(`"${word}" for the second time`)
  entries.set(word, readEntry(tokens, word))
}

const readSection = (tokens: Tokens): ConfigSection => {
  const entries = new Map<string, ConfigValue>()
  for (let token = tokens.next(); !isSign(token, '}'); token = tokens.next())
    readNamed(tokens, token, entries)
  return entries
}

/**
 * Reads what LVM writes of the syntax of lvm.conf(5): values (strings, integers, arrays of them), sections, comments.
 * Narrower than what LVM reads: no name twice in a section, no fractions, no escapes but of quotation marks and
 * backslashes (libdevmapper, `dm_escape_double_quotes`).
 *
 * @throws Error for anything else.
 */
export const parseConfig = (source: string): ConfigSection => {
  const tokens = new Tokens(source)
  const entries = new Map<string, ConfigValue>()
  while (!tokens.isAtEnd()) readNamed(tokens, tokens.next(), entries)
  return entries
}
