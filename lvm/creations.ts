import type { CreateVolumeRequest } from './types.ts'

/** Volumes that were asked for and are not made yet: the space that they will take is nobody else's any more. */
export class Creations {
  readonly #requests = new Set<CreateVolumeRequest>()

  /** Those of this moment. A report that is read afterwards may show some of them as made. */
  get current(): readonly CreateVolumeRequest[] {
    return [...this.#requests]
  }

  /** Counts the requests while the task runs, whatever comes of it. */
  async during<T>(requests: readonly CreateVolumeRequest[], task: () => Promise<T>): Promise<T> {
    for (const request of requests) this.#requests.add(request)
    try {
      return await task()
    } finally {
      for (const request of requests) this.#requests.delete(request)
    }
  }
}
