import { messageOf } from '../core/errors.ts'
import type { Logger } from '../core/logger.ts'
import type { KubeObject, ObjectKey, ObjectMeta } from './types.ts'

export type ChangeListener<Kept> = (key: ObjectKey, kept: Kept | undefined, before: Kept | undefined) => void

interface Entry<Kept> {
  readonly uid: string
  /** Opaque: compared for equality only (Kubernetes API concepts, "Resource versions"). */
  readonly resourceVersion: string
  readonly kept: Kept
}

const keyOf = ({ namespace, name }: ObjectMeta): ObjectKey =>
  namespace === undefined ? (name ?? '') : `${namespace}/${name ?? ''}`

/**
 * What a reflector keeps: the projections of the objects last seen, by key. An object that was deleted and made again
 * under its name is another object: listeners hear that the first went away, then that the second came.
 */
export class LocalCopy<Kept> {
  readonly #entries = new Map<ObjectKey, Entry<Kept>>()
  readonly #listeners: ChangeListener<Kept>[] = []
  readonly #log: Logger

  constructor(log: Logger) {
    this.#log = log
  }

  get(key: ObjectKey): Kept | undefined {
    return this.#entries.get(key)?.kept
  }

  *entries(): IterableIterator<[ObjectKey, Kept]> {
    for (const [key, entry] of this.#entries) yield [key, entry.kept]
  }

  onChange(listener: ChangeListener<Kept>): void {
    this.#listeners.push(listener)
  }

  /** Takes the object as it is now; `kept` undefined means that the projection dropped it. Gives its key. */
  set(object: KubeObject, kept: Kept | undefined): ObjectKey {
    const { uid = '', resourceVersion = '' } = object.metadata
    const key = keyOf(object.metadata)
    const before = this.#entries.get(key)
    if (kept === undefined) {
      this.remove(key)
      return key
    }
    if (before?.uid === uid && before.resourceVersion === resourceVersion) return key
    if (before !== undefined && before.uid !== uid) this.remove(key)
    this.#entries.set(key, { uid, resourceVersion, kept })
    this.#tell(key, kept, before?.uid === uid ? before.kept : undefined)
    return key
  }

  remove(key: ObjectKey): void {
    const before = this.#entries.get(key)
    if (before === undefined) return
    this.#entries.delete(key)
    this.#tell(key, undefined, before.kept)
  }

  /** Removes a deleted object, unless another one has taken its name since. */
  removeObject(object: KubeObject): void {
    const key = keyOf(object.metadata)
    if (this.#entries.get(key)?.uid === object.metadata.uid) this.remove(key)
  }

  /** After a complete list: what was not in it is gone. */
  removeAllBut(seen: ReadonlySet<ObjectKey>): void {
    for (const key of [...this.#entries.keys()]) if (!seen.has(key)) this.remove(key)
  }

  #tell(key: ObjectKey, kept: Kept | undefined, before: Kept | undefined): void {
    for (const listener of this.#listeners) {
      try {
        listener(key, kept, before)
      } catch (error) {
        this.#log.error('A listener for changed objects failed', { key, error: messageOf(error) })
      }
    }
  }
}
