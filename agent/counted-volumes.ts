import { LoamError } from '../core/errors.ts'
import type { NodeVolumes } from '../lvm/types.ts'

/** How often an operation has ended in one way. */
export interface OperationCount {
  readonly operation: 'create' | 'prepare' | 'extend' | 'remove'
  /** `done`, or the reason of the error. */
  readonly outcome: string
  readonly count: number
}

interface Counted {
  /** As before, and each call that ends is counted. */
  readonly volumes: NodeVolumes
  readonly counts: () => readonly OperationCount[]
}

/** Counts what is done to volumes, by whom ever. Calls are counted, not volumes: one that is repeated counts again. */
export const countOperations = (volumes: NodeVolumes): Counted => {
  const counts = new Map<string, OperationCount>()
  const note = (operation: OperationCount['operation'], outcome: string): void => {
    const key = `${operation} ${outcome}`
    counts.set(key, { operation, outcome, count: (counts.get(key)?.count ?? 0) + 1 })
  }
  const counted = async <Result>(
    operation: OperationCount['operation'],
    work: () => Promise<Result>,
  ): Promise<Result> => {
    try {
      const result = await work()
      note(operation, 'done')
      return result
    } catch (error) {
      note(operation, error instanceof LoamError ? error.reason : 'Unexpected')
      throw error
    }
  }
  return {
    counts: () => [...counts.values()],
    volumes: {
      ...volumes,
      createVolume: (request) => counted('create', () => volumes.createVolume(request)),
      createVolumes: (requests) => counted('create', () => volumes.createVolumes(requests)),
      prepareVolume: (handle, content) => counted('prepare', () => volumes.prepareVolume(handle, content)),
      extendVolume: (request) => counted('extend', () => volumes.extendVolume(request)),
      removeVolume: (handle, expected) => counted('remove', () => volumes.removeVolume(handle, expected)),
    },
  }
}
