import type { RequestOptions } from 'node:https'
import type { Connection, Credentials } from './connection.ts'
import { cacheCredentials } from './credentials-cache.ts'
import { Unavailable } from './errors.ts'

const credentialsOf = (options: RequestOptions): Credentials => {
  const { ca, cert, key, servername, rejectUnauthorized } = options
  const header = new Headers(options.headers as Record<string, string> | undefined).get('authorization')
  const basic = options.auth ? `Basic ${Buffer.from(options.auth).toString('base64')}` : undefined
  const authorization = header ?? basic
  return {
    tls: { ca, cert, key, servername, ...(rejectUnauthorized === undefined ? {} : { rejectUnauthorized }) },
    ...(authorization === undefined ? {} : { authorization }),
  }
}

/**
 * The connection of the current context of a kubeconfig file: for tools, and for an agent that runs outside a pod.
 * Client certificates, tokens, token files and exec plugins are read by @kubernetes/client-node. Proxies are not used.
 *
 * @throws Unavailable when the file cannot be read or names no cluster
 */
export const kubeconfigConnection = async (path: string): Promise<Connection> => {
  const { KubeConfig } = await import('./kubeconfig.ts')
  const source = `kubeconfig ${path}`
  const config = new KubeConfig()
  try {
    config.loadFromFile(path)
  } catch (error) {
    throw new Unavailable(source, 'cannot be read', { cause: error })
  }
  const cluster = config.getCurrentCluster()
  if (cluster === null)
    throw new Unavailable(source, `its current context "${config.currentContext}" names no cluster`, {
      advice: 'set it with kubectl config use-context',
    })
  const read = async (): Promise<Credentials> => {
    const options: RequestOptions = {}
    await config.applyToHTTPSOptions(options)
    return credentialsOf(options)
  }
  return { server: new URL(cluster.server), ...cacheCredentials(source, read) }
}
