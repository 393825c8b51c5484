/** How a part of the tests ended. */
export interface Totals {
  readonly passed: number
  readonly failed: number
  readonly skipped: number
}

export const NONE: Totals = { passed: 0, failed: 0, skipped: 0 }

export const add = (one: Totals, other: Totals): Totals => ({
  passed: one.passed + other.passed,
  failed: one.failed + other.failed,
  skipped: one.skipped + other.skipped,
})

/** The line that CI reads. */
export const describeTotals = ({ passed, failed, skipped }: Totals): string =>
  `${passed} passed, ${failed} failed, ${skipped} skipped`

const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && Number(value) >= 0

/** Reads what a part wrote; undefined when it wrote nothing whole, as when it crashed. */
export const parseTotals = (text: string): Totals | undefined => {
  try {
    const { passed, failed, skipped } = JSON.parse(text) as Record<string, unknown>
    return isCount(passed) && isCount(failed) && isCount(skipped) ? { passed, failed, skipped } : undefined
  } catch {
    return undefined
  }
}
