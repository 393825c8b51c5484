import { Counter, Gauge, Registry } from '@prometheus-io/client'

interface Sample {
  readonly labels?: Readonly<Record<string, string>>
  readonly value: number
}

/** One family of figures. They are read when somebody asks, so that nobody has to keep them up to date. */
export interface Metric {
  /** A counter only grows, until the process starts anew. */
  readonly kind: 'counter' | 'gauge'
  /** In snake_case with the unit at its end; that of a counter ends in `_total` (Prometheus, "Metric and label naming"). */
  readonly name: string
  readonly help: string
  /** Each with few values: every value is a series of its own. */
  readonly labelNames?: readonly string[]
  readonly read: () => readonly Sample[]
}

/** The figures of this process, as Prometheus reads them. */
export class Metrics {
  readonly #registry = new Registry()

  /** @throws Error when there is one of that name already. */
  add({ kind, name, help, labelNames = [], read }: Metric): void {
    const common = { name, help, labelNames: [...labelNames], registers: [this.#registry] }
    const collect = (): void => {
      family.reset()
      for (const { labels = {}, value } of read()) family.inc(labels, value)
    }
    const family: Gauge<string> | Counter<string> =
      kind === 'gauge'
        ? new Gauge<string>({ ...common, collect })
        : new Counter<string>({ ...common, collect })
  }

  get contentType(): string {
    return this.#registry.contentType
  }

  /** All figures in the text format. */
  text(): Promise<string> {
    return this.#registry.metrics()
  }
}
