import { Gone } from './errors.ts'
import { collectionPath } from './paths.ts'
import type { Transport } from './transport.ts'
import type { KubeObject, ListOptions, ResourceType } from './types.ts'

/** Page size of client-go; a page of claims is then about 1.7 MB. */
const PAGE_SIZE = 500

interface Page<T> {
  readonly metadata: { readonly resourceVersion: string; readonly continue?: string }
  readonly items: readonly T[] | null
}

export interface ListRequest {
  readonly type: ResourceType
  readonly options: ListOptions
  readonly signal?: AbortSignal
  /**
   * When the server forgets the list's version between two pages: true goes on behind the last page at the newest
   * version, so that each item still comes once; false throws Gone, because such a list has no version to watch from.
   */
  readonly resume: boolean
}

/** The query parameters that select objects, for lists and watches. */
export const selectionQuery = (options: ListOptions): Record<string, string> => ({
  ...(options.labelSelector === undefined ? {} : { labelSelector: options.labelSelector }),
  ...(options.fieldSelector === undefined ? {} : { fieldSelector: options.fieldSelector }),
})

/**
 * Passes every object on, page by page, so that only one page is in memory. No resourceVersion is sent: the answer is
 * as new as a quorum of etcd (Kubernetes API concepts, "Semantics for get and list"). Gives the version of the list.
 */
// eslint-disable-next-line @typescript-eslint/no-unnecessary-type-parameters -- the caller says what the items are
export const listPages = async <T extends KubeObject>(
  transport: Transport,
  { type, options, signal, resume }: ListRequest,
  each: (item: T) => void,
): Promise<string> => {
  const readPage = async (continueToken: string | undefined): Promise<Page<T>> => {
    const query = {
      ...selectionQuery(options),
      limit: String(PAGE_SIZE),
      ...(continueToken === undefined ? {} : { continue: continueToken }),
    }
    const page = await transport.json({
      method: 'GET',
      path: collectionPath(type, options.namespace),
      query,
      object: `list of ${type.plural}`,
      ...(signal === undefined ? {} : { signal }),
    })
    return page as Page<T>
  }

  const readPageOrResume = async (continueToken: string | undefined): Promise<Page<T>> => {
    try {
      return await readPage(continueToken)
    } catch (error) {
      if (resume && error instanceof Gone && error.continueToken !== undefined)
        return await readPage(error.continueToken)
      throw error
    }
  }

  let continueToken: string | undefined
  for (;;) {
    const page = await readPageOrResume(continueToken)
    for (const item of page.items ?? []) each(item)
    continueToken = page.metadata.continue
    if (continueToken === undefined || continueToken === '') return page.metadata.resourceVersion
  }
}
