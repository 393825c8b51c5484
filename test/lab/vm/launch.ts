import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import PQueue from 'p-queue'
import { chooseCpu, cpuMarker, weightOf } from './cpu.ts'
import { startDaemon } from './daemon.ts'
import { driveArguments } from './drives.ts'
import { LabError } from './errors.ts'
import { guestFile } from './guest.ts'
import { findKernel } from './kernel.ts'
import { pathsOf } from './paths.ts'
import { isRunning, killGroup, vmMarker, waitUntil } from './processes.ts'
import type { VmOptions } from './types.ts'

const BOOT_TIMEOUT_MS = 180_000

/** One VM after the other: each sees what those before it have taken. */
const starts = new PQueue({ concurrency: 1 })

const kernelArguments = (options: VmOptions, cpu: number): readonly string[] => [
  `mem=${options.memoryMiB}M`,
  'rootfstype=hostfs',
  'root=/dev/root',
  'rw',
  `init=${guestFile('init.sh')}`,
  'con=null',
  'con0=fd:0,fd:1',
  'ssl=null',
  'quiet',
  // for tests that give it a policy; the others would only cost time at every system call
  'lsm=selinux',
  // 512 terminals of old in /dev, at each of which every LVM command and udev would look
  'pty.legacy_count=0',
  // beside its files, not in the home directory of whoever starts it
  `uml_dir=${pathsOf(options.directory).uml}`,
  'umid=vm',
  `vec0:transport=tap,ifname=${options.network.tap}`,
  ...driveArguments(options),
  vmMarker(options.directory),
  cpuMarker({ cpu, weight: weightOf(options.isBusy ?? false) }),
]

/** Gives the process id of the VM. */
const start = async (options: VmOptions): Promise<number> => {
  const kernel = await findKernel(process.env)
  const cpu = chooseCpu()
  const words = [kernel.program, ...kernel.arguments, ...kernelArguments(options, cpu)]
  const command = ['--cpu-list', `${cpu}`, 'ip', 'netns', 'exec', options.network.namespace, ...words]
  // a session of its own: its process group then holds all the VM's helpers, and nothing else
  return startDaemon('taskset', command, {
    cwd: options.directory,
    log: pathsOf(options.directory).console,
  })
}

const endOfConsole = async (directory: string): Promise<string> =>
  (await readFile(pathsOf(directory).console, 'utf8')).split('\n').slice(-15).join('\n')

/** Boots and waits until the guest takes commands; gives its process id. */
export const launch = async (options: VmOptions): Promise<number> => {
  const { ready } = pathsOf(options.directory)
  const pid = await starts.add(() => start(options))
  await waitUntil(() => existsSync(ready) || !isRunning(pid), BOOT_TIMEOUT_MS)
  if (existsSync(ready) && isRunning(pid)) return pid
  const what = isRunning(pid) ? `did not boot within ${BOOT_TIMEOUT_MS / 1000} s` : 'ended while it booted'
  await killGroup(pid)
  throw new LabError(
    `VM ${options.name}`,
    `${what}; its console ends with:\n${await endOfConsole(options.directory)}`,
  )
}
