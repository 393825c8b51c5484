import { silentLogger, type LogFields, type Logger } from '../../../core/logger.ts'
import { startReflector } from '../../../kube/reflector.ts'
import { isOlder } from '../../../kube/resource-version.ts'
import type { Transport } from '../../../kube/transport.ts'
import type { KubeClient } from '../../../kube/types.ts'
import { eventually } from '../../support/eventually.ts'
import { CONFIG_MAPS, type ConfigMap } from './fixture.ts'

interface Seen {
  readonly uid: string
  readonly version: string
  readonly value: string
}

const seenOf = ({ metadata, data }: ConfigMap): Seen => ({
  uid: metadata.uid ?? '',
  version: metadata.resourceVersion ?? '',
  value: data?.value ?? '',
})

const sorted = (entries: Iterable<[string, Seen]>): string =>
  JSON.stringify([...entries].sort(([a], [b]) => (a < b ? -1 : 1)))

/** A reflector of the ConfigMaps whose names begin with `prefix`, and what its listener was told. */
export const follow = (transport: Transport, signal: AbortSignal, prefix: string, silenceMs = 60_000) => {
  const warnings: LogFields[] = []
  const log: Logger = { ...silentLogger, warn: (_message, fields = {}) => warnings.push(fields) }
  const store = startReflector<ConfigMap, Seen>({
    transport,
    type: CONFIG_MAPS,
    options: { namespace: 'default' },
    project: (raw) => (raw.metadata.name?.startsWith(prefix) ? seenOf(raw) : undefined),
    log,
    signal,
    backoff: { firstMs: 20, maxMs: 100, leastShare: 0 },
    silenceMs,
  })
  const told = new Map<string, Seen>()
  const newest = new Map<string, string>()
  const wentBack: string[] = []
  store.onChange((key, kept) => {
    if (kept === undefined) {
      told.delete(key)
      return
    }
    const before = newest.get(key)
    if (isOlder(kept.version, before)) wentBack.push(`${key}: ${kept.version} after ${before ?? '-'}`)
    newest.set(key, kept.version)
    told.set(key, kept)
  })

  const truth = async (direct: KubeClient): Promise<string> => {
    const there = new Map<string, Seen>()
    await direct.list<ConfigMap>(CONFIG_MAPS, { namespace: 'default' }, (item) => {
      const { name = '' } = item.metadata
      if (name.startsWith(prefix)) there.set(`default/${name}`, seenOf(item))
    })
    return sorted(there)
  }

  return {
    store,
    warnings,
    /** Objects that the listener heard of in a version older than one it had heard before. */
    wentBack,
    /** Waits until the copy, and what the listener heard last of each object, are what a list past the proxy says. */
    converged: async (direct: KubeClient): Promise<void> => {
      const wanted = await truth(direct)
      const isTrue = () => sorted(store.entries()) === wanted && sorted(told) === wanted
      await eventually(`the copy is ${wanted}`, isTrue).catch((error: unknown) => {
        const found = `the copy is ${sorted(store.entries())}, the listener heard ${sorted(told)}`
        throw new Error(`${found}, the reader's trouble is ${store.trouble ?? 'none'}`, { cause: error })
      })
    },
  }
}
