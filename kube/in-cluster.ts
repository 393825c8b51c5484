import { readFile } from 'node:fs/promises'
import { isIPv6 } from 'node:net'
import { join } from 'node:path'
import type { Connection } from './connection.ts'
import { cacheCredentials } from './credentials-cache.ts'

/** Where kubelet mounts the service account of a pod. */
const SERVICE_ACCOUNT_DIRECTORY = '/var/run/secrets/kubernetes.io/serviceaccount'

export interface InClusterOptions {
  /** Value of KUBERNETES_SERVICE_HOST, which kubelet gives to every container. */
  readonly host: string
  /** Value of KUBERNETES_SERVICE_PORT. */
  readonly port: string
  readonly serviceAccountDirectory?: string
  readonly maxAgeMs?: number
}

/**
 * The connection of a pod: its service account's token and CA. Both files are read again once a minute, because kubelet
 * replaces the token long before it ends and the CA when the cluster's is rotated.
 */
export const inClusterConnection = (options: InClusterOptions): Connection => {
  const directory = options.serviceAccountDirectory ?? SERVICE_ACCOUNT_DIRECTORY
  const host = isIPv6(options.host) ? `[${options.host}]` : options.host
  const read = async () => {
    const [token, ca] = await Promise.all([
      readFile(join(directory, 'token'), 'utf8'),
      readFile(join(directory, 'ca.crt'), 'utf8'),
    ])
    return { tls: { ca }, authorization: `Bearer ${token.trim()}` }
  }
  return {
    server: new URL(`https://${host}:${options.port}`),
    ...cacheCredentials(`service account in ${directory}`, read, options.maxAgeMs),
  }
}
