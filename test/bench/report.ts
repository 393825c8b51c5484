/** What a ratio must be to hold. A bench says it as a bound on one side. */
export type Goal = { readonly atMost: number } | { readonly atLeast: number }

/** What a bench measured: a ratio of two things measured in the same run, because only that can be compared. */
export interface Figure {
  /** `BENCH/figure`. */
  readonly name: string
  readonly ratio: number
  readonly goal: Goal
  /** What the ratio was made of; the unit is in the name (`…Ms`). */
  readonly raw: Readonly<Record<string, number>>
  /** One line: what was run, how often, and what was taken of it. */
  readonly method: string
}

export const holds = ({ ratio, goal }: Figure): boolean =>
  'atMost' in goal ? ratio <= goal.atMost : ratio >= goal.atLeast

const goalText = (goal: Goal): string => ('atMost' in goal ? `<= ${goal.atMost}` : `>= ${goal.atLeast}`)

const rounded = (value: number): number => Number(value.toPrecision(3))

/** One JSON object: `{name, ratio, goal, holds, raw, method}`. */
export const jsonLine = (figure: Figure): string =>
  JSON.stringify({
    name: figure.name,
    ratio: rounded(figure.ratio),
    goal: goalText(figure.goal),
    holds: holds(figure),
    raw: figure.raw,
    method: figure.method,
  })

/** Says what was measured at once, and gives it: a run takes long, and may end before its table. */
export const tell = (progress: (what: string) => void, figures: readonly Figure[]): readonly Figure[] => {
  for (const figure of figures) progress(jsonLine(figure))
  return figures
}

const cells = (figure: Figure): readonly string[] => [
  figure.name,
  String(rounded(figure.ratio)),
  goalText(figure.goal),
  holds(figure) ? 'yes' : 'NO',
  Object.entries(figure.raw)
    .map(([name, value]) => `${name}=${rounded(value)}`)
    .join(' '),
]

/** A table for people, and the methods below it. */
export const table = (figures: readonly Figure[]): string => {
  const rows = [['figure', 'ratio', 'goal', 'holds', 'raw'], ...figures.map(cells)]
  const widths = rows[0]?.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0))) ?? []
  const lines = rows.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd(),
  )
  const methods = figures.map(({ name, method }) => `${name}: ${method}`)
  return [...lines, '', ...methods].join('\n')
}
