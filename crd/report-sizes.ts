import { parseQuantity } from '../core/quantity.ts'
import type { NodeLocalStorage } from './types.ts'

/** A size that a report has of its volume group, in bytes; 0 while there is none. */
export const reportedBytes = (report: NodeLocalStorage, field: 'free' | 'largestVolume'): bigint =>
  parseQuantity(report.status?.volumeGroup?.[field] ?? '0') ?? 0n
