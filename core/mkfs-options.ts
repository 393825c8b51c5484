/** No slash: an option can name no file and no other device. No shell ever sees these words, either. */
const WORD = /^[A-Za-z0-9_=,.:^+-]{1,128}$/
const MAX_WORDS = 32

/** Splits extra words for mkfs at white space and checks each. Used for the class and again for a volume's context. */
export const parseMkfsOptions = (text: string): { options: readonly string[] } | { fault: string } => {
  const options = text.split(/\s+/).filter((word) => word !== '')
  const bad = options.find((word) => !WORD.test(word))
  if (bad !== undefined) {
    return { fault: `"${bad}" is not allowed: words of letters, digits and _ = , . : ^ + - (no path)` }
  }
  if (options.length > MAX_WORDS) return { fault: `${options.length} words, and ${MAX_WORDS} are allowed` }
  return { options }
}
