import { createKubeClient } from '../../../kube/client.ts'
import { kubeconfigConnection } from '../../../kube/kubeconfig-connection.ts'
import { createTransport, type Transport } from '../../../kube/transport.ts'
import type { KubeClient, KubeObject, ObjectName, Preconditions, ResourceType } from '../../../kube/types.ts'
import { startApiServer, type ApiServer, type ApiServerOptions } from './api-server.ts'
import { startFaultyProxy, type FaultyProxy } from './faulty-proxy.ts'

export interface Fixture {
  readonly server: ApiServer
  readonly transport: Transport
  readonly client: KubeClient
}

/** One API server for the tests of a file. Read the fields inside tests only: before them there are none. */
export const useApiServer = (options: ApiServerOptions = {}): Fixture => {
  let fixture: Fixture | undefined
  const running = (): Fixture => {
    if (fixture === undefined) throw new Error('the API server has not been started')
    return fixture
  }
  before(async function () {
    // On a machine that never ran one, etcd and kube-apiserver are built first.
    this.timeout(20 * 60_000)
    const server = await startApiServer(options)
    const transport = createTransport({ connection: await kubeconfigConnection(server.kubeconfig) })
    fixture = { server, transport, client: createKubeClient(transport) }
  })
  after(async function () {
    this.timeout(30_000)
    fixture?.transport.close()
    await fixture?.server.stop()
  })
  return {
    get server() {
      return running().server
    },
    get transport() {
      return running().transport
    },
    get client() {
      return running().client
    },
  }
}

export interface ProxiedFixture {
  readonly proxy: FaultyProxy
  readonly transport: Transport
  readonly client: KubeClient
  readonly stop: () => void
}

/** A faulty proxy in front of the API server, and a way through it. */
export const startProxied = async (api: Fixture): Promise<ProxiedFixture> => {
  const proxy = await startFaultyProxy(await kubeconfigConnection(api.server.kubeconfig))
  const transport = createTransport({
    connection: {
      server: proxy.server,
      credentials: () => Promise.resolve({ tls: {} }),
      renew: () => undefined,
    },
  })
  const stop = (): void => {
    transport.close()
    proxy.stop()
  }
  return { proxy, transport, client: createKubeClient(transport), stop }
}

export interface ConfigMap extends KubeObject {
  readonly data?: Readonly<Record<string, string>>
}

/** Objects without rules of their own: what is tested is the way to the server. */
export const CONFIG_MAPS: ResourceType = {
  group: '',
  version: 'v1',
  plural: 'configmaps',
  kind: 'ConfigMap',
  namespaced: true,
}

export const named = (name: string, namespace = 'default'): Required<ObjectName> => ({ namespace, name })

export const configMap = (name: string, data: Readonly<Record<string, string>> = {}): ConfigMap => ({
  metadata: named(name),
  data,
})

export const preconditionsOf = ({ metadata }: KubeObject): Preconditions => ({ uid: metadata.uid ?? '' })

/** Makes `count` objects, eight at a time. */
export const createMany = async (client: KubeClient, prefix: string, count: number): Promise<void> => {
  const names = Array.from({ length: count }, (_, index) => `${prefix}-${index}`).values()
  const worker = async (): Promise<void> => {
    for (const name of names) await client.create(CONFIG_MAPS, configMap(name))
  }
  await Promise.all(Array.from({ length: 8 }, worker))
}
