/** A kind of object as the API server addresses it. `group` is empty for the core group. */
export interface ResourceType {
  readonly group: string
  readonly version: string
  readonly plural: string
  readonly kind: string
  readonly namespaced: boolean
}

export interface ObjectName {
  readonly namespace?: string
  readonly name: string
}

export interface OwnerReference {
  readonly apiVersion: string
  readonly kind: string
  readonly name: string
  readonly uid: string
  readonly controller?: boolean
}

/** The parts of metadata that Loam reads and writes. Unknown fields travel along untouched in raw JSON. */
export interface ObjectMeta {
  readonly name?: string
  readonly generateName?: string
  readonly namespace?: string
  readonly uid?: string
  readonly resourceVersion?: string
  readonly generation?: number
  readonly creationTimestamp?: string
  readonly deletionTimestamp?: string
  readonly labels?: Readonly<Record<string, string>>
  readonly annotations?: Readonly<Record<string, string>>
  readonly finalizers?: readonly string[]
  readonly ownerReferences?: readonly OwnerReference[]
}

export interface KubeObject {
  readonly apiVersion?: string
  readonly kind?: string
  readonly metadata: ObjectMeta
}

export interface ListOptions {
  readonly namespace?: string
  readonly labelSelector?: string
  readonly fieldSelector?: string
}

export interface PatchOptions {
  /** `merge` is RFC 7386, `json` is RFC 6902, `apply` is server-side apply (needs `fieldManager`). */
  readonly type: 'merge' | 'json' | 'apply'
  readonly subresource?: 'status'
  readonly fieldManager?: string
  /** Everything is decided, and nothing written (API concepts, "Dry-run"). */
  readonly dryRun?: true
}

export type CreateOptions = Pick<PatchOptions, 'dryRun'>

/** What must be true of the object for a write to happen. */
export interface Preconditions {
  readonly uid: string
  readonly resourceVersion?: string
}

/**
 * Raw-JSON access to the API server. Reads are quorum reads (no resourceVersion is sent), so they may support a
 * destructive decision. Writes are not repeated by the client when their answer is lost: the caller decides again
 * from a fresh read. Errors are those of kube/errors.ts.
 */
export interface KubeClient {
  /** The object, or undefined when there is none of that name. */
  get<T extends KubeObject>(type: ResourceType, name: ObjectName): Promise<T | undefined>
  /**
   * Passes on every object, a page at a time: each that is there all the while exactly once, one that comes or goes
   * meanwhile perhaps. Gives the resourceVersion of the last page.
   */
  // The caller says what the items are, as with get.
  // eslint-disable-next-line @typescript-eslint/no-unnecessary-type-parameters
  list<T extends KubeObject>(
    type: ResourceType,
    options: ListOptions,
    each: (item: T) => void,
  ): Promise<string>
  /** @throws AlreadyExists */
  create<T extends KubeObject>(type: ResourceType, object: T, options?: CreateOptions): Promise<T>
  /** With `apply`, fields that someone else set are taken over. @throws NotFound, Conflict */
  patch<T extends KubeObject>(
    type: ResourceType,
    name: ObjectName,
    patch: unknown,
    options: PatchOptions,
  ): Promise<T>
  /** Sends DELETE under preconditions. Gives false when the object was not there. @throws Conflict */
  delete(type: ResourceType, name: ObjectName, preconditions: Preconditions): Promise<boolean>
}

/** What a reflector keeps of each object; undefined drops it, and counts as deleted when it was kept before. */
export type Project<Raw extends KubeObject, Kept> = (raw: Raw) => Kept | undefined

/** `namespace/name`, or `name` for cluster-scoped objects. */
export type ObjectKey = string

/** A local copy of the objects that pass a projection, kept by list and watch. */
export interface ObjectStore<Kept> {
  get(key: ObjectKey): Kept | undefined
  entries(): IterableIterator<[ObjectKey, Kept]>
  /** Called after each change, with undefined for an object that went away or left the view. Must not throw. */
  onChange(listener: (key: ObjectKey, kept: Kept | undefined, before: Kept | undefined) => void): void
  /** Settles when the first list is in. */
  readonly synced: Promise<void>
}

export interface EventRequest {
  readonly type: 'Normal' | 'Warning'
  /** CamelCase, stable. */
  readonly reason: string
  /** CamelCase verb: what was done or refused. */
  readonly action: string
  /** For people, with numbers. Cut at 1024 bytes. */
  readonly message: string
  readonly regarding: { apiVersion: string; kind: string; namespace?: string; name: string; uid: string }
}

/** Tells people. Repeats are counted in a series, floods are dropped; a failure to record is logged and never thrown. */
export interface EventRecorder {
  record(event: EventRequest): void
  /** Waits until what was recorded has been sent or given up. */
  flush(): Promise<void>
}
