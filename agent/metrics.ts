import type { Metric } from '../process/metrics.ts'
import type { CollectorCounts } from './collector.ts'
import type { OperationCount } from './counted-volumes.ts'

/** What is done to volumes. */
export const operationMetrics = (counts: () => readonly OperationCount[]): Metric[] => [
  {
    ...{ kind: 'counter', name: 'loam_volume_operations_total', labelNames: ['operation', 'outcome'] },
    help: 'Operations on logical volumes that have ended, by outcome: done, or the reason of the error.',
    read: () =>
      counts().map(({ operation, outcome, count }) => ({ labels: { operation, outcome }, value: count })),
  },
]

/** Volumes without owner. */
export const collectorMetrics = (counts: () => CollectorCounts): Metric[] => {
  const metric = (
    kind: Metric['kind'],
    name: string,
    field: keyof CollectorCounts,
    help: string,
  ): Metric => ({
    ...{ kind, name, help },
    read: () => [{ value: counts()[field] }],
  })
  return [
    metric('gauge', 'loam_orphan_volumes', 'found', 'Logical volumes without owner at the last look.'),
    metric('gauge', 'loam_orphan_volumes_held', 'held', 'Those of them that a person is asked about.'),
    metric(
      'counter',
      'loam_orphan_volumes_collected_total',
      'collected',
      'Logical volumes without owner that were removed.',
    ),
    metric(
      'counter',
      'loam_orphan_collections_failed_total',
      'failed',
      'Removals of logical volumes without owner that failed, and are tried again.',
    ),
  ]
}
