import { readFileSync } from 'node:fs'
import { lstat, readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'

import { atStep } from '../core/failpoints.ts'
import { DRIVER_NAME } from '../core/naming.ts'

/** random(4): another at every boot, and the same in all containers. */
const BOOT_ID = '/proc/sys/kernel/random/boot_id'

const NAME = new RegExp(`^${DRIVER_NAME.replace('.', String.raw`\.`)}-[0-9a-f]{8}-reg\\.sock$`)

/** Where kubelet looks for drivers, beneath its own directory. */
export const registryIn = (kubeletDirectory: string): string => join(kubeletDirectory, 'plugins_registry')

/**
 * Name of the registration socket, another after every boot. A socket outlives its node's power, and kubelet tries it as soon as it
 * starts, long before an agent runs. Each try that fails makes it wait longer before the next one, up to two minutes,
 * counted by path (kubernetes, pkg/kubelet/pluginmanager/operationexecutor): no volume could be mounted meanwhile.
 */
export const registrationSocketName = (): string =>
  `${DRIVER_NAME}-${readFileSync(BOOT_ID, 'utf8').slice(0, 8)}-reg.sock`

/**
 * Removes the registration sockets of earlier boots, behind which nobody can be. Those of this boot, and what is not a
 * socket with such a name, stay.
 */
export const removeEarlierSockets = async (kubeletDirectory: string): Promise<void> => {
  const registry = registryIn(kubeletDirectory)
  const ours = registrationSocketName()
  for (const name of await readdir(registry)) {
    const path = join(registry, name)
    if (name === ours || !NAME.test(name) || !(await lstat(path)).isSocket()) continue
    await atStep('remove-socket', () => rm(path, { force: true }))
  }
}
