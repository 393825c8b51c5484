const sorted = (samples: readonly number[]): readonly number[] => samples.toSorted((a, b) => a - b)

/** The sample below which this share of the samples lies; NaN without samples. */
export const percentile = (samples: readonly number[], share: number): number =>
  sorted(samples)[Math.min(samples.length - 1, Math.floor(samples.length * share))] ?? Number.NaN

export const median = (samples: readonly number[]): number => percentile(samples, 0.5)
