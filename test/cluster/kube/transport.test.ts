import diagnostics from 'node:diagnostics_channel'
import type { Socket } from 'node:net'
import { expect } from 'chai'
import { createKubeClient } from '../../../kube/client.ts'
import { Unavailable } from '../../../kube/errors.ts'
import { kubeconfigConnection } from '../../../kube/kubeconfig-connection.ts'
import { NAMESPACES } from '../../../kube/resources.ts'
import { createTransport } from '../../../kube/transport.ts'
import { failureOf } from '../../support/eventually.ts'
import { useApiServer } from './fixture.ts'

/** Counts the TCP connections that this process opens while `work` runs. */
const connectionsOf = async (work: () => Promise<unknown>): Promise<number> => {
  const sockets: Socket[] = []
  const note = (message: unknown) => sockets.push((message as { socket: Socket }).socket)
  diagnostics.subscribe('net.client.socket', note)
  try {
    await work()
  } finally {
    diagnostics.unsubscribe('net.client.socket', note)
  }
  return sockets.length
}

describe('transport against a real API server', function () {
  this.timeout(30_000)
  const api = useApiServer()

  const fresh = async () => {
    const transport = createTransport({ connection: await kubeconfigConnection(api.server.kubeconfig) })
    const client = createKubeClient(transport)
    return { transport, read: () => client.get(NAMESPACES, { name: 'default' }) }
  }

  it('sends 100 requests one after another over one connection', async () => {
    const { transport, read } = await fresh()
    const count = await connectionsOf(async () => {
      for (let index = 0; index < 100; index += 1) await read()
    })
    transport.close()
    expect(count).to.equal(1)
  })

  it('sends 100 requests at once over eight connections', async () => {
    const { transport, read } = await fresh()
    const count = await connectionsOf(() => Promise.all(Array.from({ length: 100 }, read)))
    transport.close()
    expect(count).to.equal(8)
  })

  it('says which server does not answer', async () => {
    const { transport, read } = await fresh()
    await read()
    const gone = createTransport({
      connection: {
        server: new URL('https://127.0.0.1:1'),
        credentials: () => Promise.resolve({ tls: {} }),
        renew: () => undefined,
      },
    })
    const request = gone.json({ method: 'GET', path: '/version', object: 'version' })
    const error = await failureOf(request, Unavailable)
    expect(error.message).to.match(
      /^version: no usable answer from the API server at 127\.0\.0\.1:1: .*ECONNREFUSED/,
    )
    gone.close()
    transport.close()
  })
})
