import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { startDaemon } from './daemon.ts'
import { driveArguments } from './drives.ts'
import { LabError } from './errors.ts'
import { guestFile } from './guest.ts'
import { pathsOf } from './paths.ts'
import { isRunning, killGroup, UML_PROGRAM, vmMarker, waitUntil } from './processes.ts'
import type { VmOptions } from './types.ts'

const BOOT_TIMEOUT_MS = 180_000

const kernelArguments = (options: VmOptions): readonly string[] => [
  `mem=${options.memoryMiB}M`,
  'rootfstype=hostfs',
  'root=/dev/root',
  'rw',
  `init=${guestFile('init.sh')}`,
  'con=null',
  'con0=fd:0,fd:1',
  'ssl=null',
  'quiet',
  // these two would only cost time at every system call
  'selinux=0',
  'apparmor=0',
  // beside its files, not in the home directory of whoever starts it
  `uml_dir=${pathsOf(options.directory).uml}`,
  'umid=vm',
  `vec0:transport=tap,ifname=${options.network.tap}`,
  ...driveArguments(options),
  vmMarker(options.directory),
]

const endOfConsole = async (directory: string): Promise<string> =>
  (await readFile(pathsOf(directory).console, 'utf8')).split('\n').slice(-15).join('\n')

/** Boots and waits until the guest takes commands; gives its process id. */
export const launch = async (options: VmOptions): Promise<number> => {
  const { ready, console } = pathsOf(options.directory)
  const command = ['netns', 'exec', options.network.namespace, UML_PROGRAM, ...kernelArguments(options)]
  // a session of its own: its process group then holds all the VM's helpers, and nothing else
  const pid = await startDaemon('ip', command, { cwd: options.directory, log: console })
  await waitUntil(() => existsSync(ready) || !isRunning(pid), BOOT_TIMEOUT_MS)
  if (existsSync(ready) && isRunning(pid)) return pid
  const what = isRunning(pid) ? `did not boot within ${BOOT_TIMEOUT_MS / 1000} s` : 'ended while it booted'
  await killGroup(pid)
  throw new LabError(
    `VM ${options.name}`,
    `${what}; its console ends with:\n${await endOfConsole(options.directory)}`,
  )
}
