import type { RequestOptions } from 'node:https'

/** What proves who we are to the API server, and it to us. */
export interface Credentials {
  readonly tls: Pick<RequestOptions, 'ca' | 'cert' | 'key' | 'servername' | 'rejectUnauthorized'>
  /** Value of the Authorization header. */
  readonly authorization?: string
}

/** Where the API server is and how to be let in. */
export interface Connection {
  readonly server: URL
  /** For the next request: ask again for each. @throws Unavailable when they cannot be read; nothing was sent then. */
  credentials(): Promise<Credentials>
  /** The server refused them: the next `credentials()` reads their source again. */
  renew(): void
}
