import { DISK_OPERATIONS } from './disk-operations.ts'
import { VOLUME_OPERATIONS } from './operations.ts'
import { POOL_OPERATIONS } from './pool-operations.ts'

/** One object of both, which share no name: stories of one once told the other's, because the later one won. */
const beside = <One extends object, Other extends object>(
  one: One,
  other: Other & (keyof One & keyof Other extends never ? unknown : never),
): One & Other => ({ ...one, ...other })

/** All that a story is made of. */
export const OPERATIONS = beside(beside(VOLUME_OPERATIONS, POOL_OPERATIONS), DISK_OPERATIONS)
export type OperationName = keyof typeof OPERATIONS
