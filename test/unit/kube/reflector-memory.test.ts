import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { expect } from 'chai'
import { silentLogger } from '../../../core/logger.ts'
import { startReflector } from '../../../kube/reflector.ts'
import { PERSISTENT_VOLUME_CLAIMS } from '../../../kube/resources.ts'
import type { KubeObject } from '../../../kube/types.ts'
import { eventually } from '../../support/eventually.ts'
import { json, startFaultServer, stream } from './fault-server.ts'

const FOREIGN = 5_000
const OWN = 20
const PAGE = 500

const claim = (node: string, index: number, version: number): KubeObject => ({
  metadata: {
    namespace: 'shop',
    name: `${node}-${index}`,
    uid: `${node}-${index}`,
    resourceVersion: String(version),
    annotations: { 'volume.kubernetes.io/selected-node': node },
  },
})

const collectGarbage = (): void => {
  setFlagsFromString('--expose-gc')
  ;(runInNewContext('gc') as () => void)()
}

describe('memory of a reflector', () => {
  it(`grows with the objects of this node, not with ${FOREIGN} of others`, async () => {
    const all = [
      ...Array.from({ length: FOREIGN }, (_, index) => claim('other', index, index + 1)),
      ...Array.from({ length: OWN }, (_, index) => claim('own', index, FOREIGN + index + 1)),
    ]
    const changed = Array.from({ length: FOREIGN }, (_, index) => claim('other', index, 10_000 + index))
    const last = { type: 'ADDED', object: claim('own', OWN, 20_000) }
    const lines = [...changed.map((object) => ({ type: 'MODIFIED', object })), last]
    const server = await startFaultServer((url) => {
      if (url.searchParams.has('watch'))
        return stream([lines.map((line) => `${JSON.stringify(line)}\n`).join('')], 'open')
      const from = Number(url.searchParams.get('continue') ?? 0)
      const next = from + PAGE < all.length ? { continue: String(from + PAGE) } : {}
      return json(200, {
        metadata: { resourceVersion: '9999', ...next },
        items: all.slice(from, from + PAGE),
      })
    })
    const stopping = new AbortController()
    try {
      const seen: WeakRef<KubeObject>[] = []
      const store = startReflector<KubeObject, string>({
        transport: server.transport,
        type: PERSISTENT_VOLUME_CLAIMS,
        project: (raw) => {
          seen.push(new WeakRef(raw))
          return raw.metadata.annotations?.['volume.kubernetes.io/selected-node'] === 'own'
            ? raw.metadata.uid
            : undefined
        },
        log: silentLogger,
        signal: stopping.signal,
      })
      await eventually('the last event', () => store.get(`shop/own-${OWN}`))
      expect(seen, 'objects that came').to.have.length(2 * FOREIGN + OWN + 1)
      expect([...store.entries()], 'objects kept').to.have.length(OWN + 1)
      await eventually('what came can be collected', () => {
        collectGarbage()
        // The reader may still hold the event that it read last.
        return seen.filter((raw) => raw.deref() !== undefined).length <= 1
      })
    } finally {
      stopping.abort()
      server.stop()
    }
  })
})
