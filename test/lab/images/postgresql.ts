import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { writeArchive } from '../../../scripts/oci/archive.ts'
import { packLayer, type Layer } from '../../../scripts/oci/layer.ts'
import { debianLayer, debianSource } from '../../../scripts/oci/layers.ts'
import { cacheDirectory } from '../programs/cache.ts'

export const POSTGRESQL_SOURCE = debianSource(join(import.meta.dirname, 'postgresql/root.yaml'))

/** The user and group of the image that Docker's community makes of PostgreSQL: manifests fit both. */
const USERS: Readonly<Record<string, string>> = {
  passwd: 'root:x:0:0::/:/bin/sh\npostgres:x:999:999::/var/lib/postgresql:/bin/sh\n',
  group: 'root:x:0:\npostgres:x:999:\n',
}

const PATH = '/usr/lib/postgresql/15/bin:/usr/sbin:/usr/bin'

const usersLayer = async (folder: string): Promise<Layer> => {
  const directory = join(folder, 'users')
  await mkdir(join(directory, 'etc'), { recursive: true })
  for (const [name, text] of Object.entries(USERS)) await writeFile(join(directory, 'etc', name), text)
  return await packLayer('users', { directory, output: join(folder, 'users.tar'), modifiedAtSeconds: 0 })
}

/**
 * Writes an archive of an image with Debian's PostgreSQL 15 (server, psql, pgbench, amcheck) and a shell into a folder
 * of the caller's; gives its path. The layer of Debian's packages comes from the cache when it was made before. Where
 * Debian has replaced a pinned package, which it does at each security update, the newer one is taken and named: the
 * image is for tests alone.
 */
export const writePostgresqlImage = async (
  name: string,
  folder: string,
  environment: NodeJS.ProcessEnv,
): Promise<string> => {
  await mkdir(folder, { recursive: true })
  const context = {
    cache: join(cacheDirectory(environment), 'image'),
    modifiedAtSeconds: 0,
    allowNewer: true,
    report: (message: string) => console.error(message),
  }
  const layers = [await debianLayer(context, POSTGRESQL_SOURCE), await usersLayer(folder)]
  const config = {
    Entrypoint: ['postgres'],
    Env: [`PATH=${PATH}`, 'LANG=C.UTF-8'],
    // The "fast" shutdown; at SIGTERM the server would wait for its clients to go (PostgreSQL, "Shutting Down the Server").
    StopSignal: 'SIGINT',
  }
  const output = join(folder, 'postgresql.tar')
  await writeArchive({ name, layers, config, createdAtSeconds: 0, output })
  return output
}
