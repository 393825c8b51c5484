import { DISK_OPERATIONS } from './disk-operations.ts'
import { VOLUME_OPERATIONS } from './operations.ts'

/** All that a story is made of. */
export const OPERATIONS = { ...VOLUME_OPERATIONS, ...DISK_OPERATIONS } as const
export type OperationName = keyof typeof OPERATIONS
