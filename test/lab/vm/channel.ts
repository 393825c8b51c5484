import { open, readFile, rm, writeFile } from 'node:fs/promises'
import { connect, type Socket } from 'node:net'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { startDaemon } from './daemon.ts'
import { LabError } from './errors.ts'
import { EXEC_SOCKET, pathsOf } from './paths.ts'
import { killGroup, vmMarker, waitUntil } from './processes.ts'
import type { VmOptions } from './types.ts'

// Commands reach the guest's exec server (guest/exec-server.pl) over the lab's private network. This process is outside of
// it, so a relay sits in between: it listens on a unix socket in the state directory, which no namespace hides.

const RELAY_TIMEOUT_MS = 10_000

/** Pods can reach the exec server too; only who can read the state directory may use it. */
export const makeToken = (directory: string): Promise<void> =>
  writeFile(pathsOf(directory).token, randomBytes(32).toString('hex'), { mode: 0o600 })

export const readToken = (directory: string): Promise<string> => readFile(pathsOf(directory).token, 'utf8')

/** The socket has a name before it listens: until then it refuses. */
const isListening = (directory: string): Promise<boolean> =>
  connectToGuest(directory).then(
    (socket) => {
      socket.destroy()
      return true
    },
    () => false,
  )

/** Starts the relay. It carries the VM's marker, so it is found and ended together with the VM. */
export const openChannel = async ({ name, directory, network }: VmOptions): Promise<void> => {
  const socket = pathsOf(directory).execSocket
  await rm(socket, { force: true })
  const server = `${network.address.replace(/\/.*/, '')}:${EXEC_PORT}`
  const relay = [
    'socat',
    '-lp',
    vmMarker(directory),
    `UNIX-LISTEN:${EXEC_SOCKET},fork,mode=600,backlog=128`,
    `TCP:${server}`,
  ]
  const log = pathsOf(directory).relayLog
  const group = await startDaemon('ip', ['netns', 'exec', network.namespace, ...relay], {
    cwd: directory,
    log,
  })
  if (await waitUntil(() => isListening(directory), RELAY_TIMEOUT_MS)) return
  await killGroup(group)
  throw new LabError(`VM ${name}`, `the relay for commands did not start: ${await readFile(log, 'utf8')}`)
}

/** Port of the guest's exec server. */
export const EXEC_PORT = 1

export const connectToGuest = async (directory: string): Promise<Socket> => {
  const folder = await open(directory)
  try {
    const socket = connect(`/proc/self/fd/${folder.fd}/${EXEC_SOCKET}`)
    await once(socket, 'connect')
    return socket
  } finally {
    await folder.close()
  }
}
