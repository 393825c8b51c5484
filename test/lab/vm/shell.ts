/** One word for a POSIX shell, whatever is in it; a NUL cannot be in an argument at all. */
export const quote = (word: string): string => `'${word.replaceAll("'", `'\\''`)}'`

export const quoteAll = (words: readonly string[]): string => words.map(quote).join(' ')

/** Lines `NAME='value'` that a shell can read in. */
export const assignments = (values: Readonly<Record<string, string>>): string =>
  Object.entries(values)
    .map(([name, value]) => `${name}=${quote(value)}\n`)
    .join('')
