import type { Metric } from './metrics.ts'

interface Load {
  readonly queue: string
  readonly depth: number
  readonly failing: number
}

/** What there is to do in the work queues of a program. */
export const queueMetrics = (loads: () => readonly Load[]): Metric[] => {
  const metric = (name: string, field: 'depth' | 'failing', help: string): Metric => ({
    ...{ kind: 'gauge', name, help, labelNames: ['queue'] },
    read: () => loads().map((load) => ({ labels: { queue: load.queue }, value: load[field] })),
  })
  return [
    metric('loam_work_queue_depth', 'depth', 'Objects that wait for their turn, or have it.'),
    metric('loam_work_queue_failing', 'failing', 'Objects whose last look failed, and that are tried again.'),
  ]
}
