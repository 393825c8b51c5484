import { mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { makeToken, openChannel } from './channel.ts'
import { diskById } from './disks.ts'
import { prepareDrives } from './drives.ts'
import { LabError } from './errors.ts'
import { briefly, execInVm } from './exec.ts'
import { guestFile, writeGuestFiles } from './guest.ts'
import { launch } from './launch.ts'
import { checkOptions } from './options.ts'
import { pathsOf } from './paths.ts'
import { findGroups, findVmProcess, isRunning, killGroup, waitUntil } from './processes.ts'
import { checkRequirements } from './requirements.ts'
import type { ExecOptions, Vm, VmOptions } from './types.ts'

const POWER_OFF_TIMEOUT_MS = 60_000

/** Index of the disk among the options, which is also its LUN. */
const lunOf = ({ name, disks }: VmOptions, disk: string): number => {
  const lun = disks.findIndex((candidate) => candidate.name === disk)
  if (lun >= 0) return lun
  throw new LabError(
    `VM ${name}`,
    `has no disk "${disk}", only ${disks.map((d) => d.name).join(', ') || 'none'}`,
  )
}

/**
 * Ends whatever of this VM still runs, without a word to the guest, and whatever state its start was in. For a power cut,
 * and for clean-up after a crash: nothing to end is success. Disks and drives stay.
 */
export const killVm = async (directory: string): Promise<void> => {
  await Promise.all(findGroups(directory).map(killGroup))
  const { ready, uml, execSocket } = pathsOf(directory)
  const meaningless = [ready, uml, execSocket]
  await Promise.all(meaningless.map((path) => rm(path, { recursive: true, force: true })))
}

const vmOf = (options: VmOptions, pid: number): Vm => {
  const { name, directory } = options
  const target = { name, directory, pid }
  const pulledMark = (disk: string): string => join(pathsOf(directory).pulled, disk)

  const exec: Vm['exec'] = (command, execOptions = {}) => execInVm(target, command, execOptions)
  const run = async (command: readonly string[], execOptions: ExecOptions = {}): Promise<string> => {
    const { exitCode, stdout, stderr } = await exec(command, execOptions)
    if (exitCode === 0) return stdout
    throw new LabError(
      `VM ${name}`,
      `status ${exitCode} from ${briefly(command)}: ${stderr.trim() || stdout.trim()}`,
    )
  }
  const cut = (): Promise<void> => killVm(directory)
  const powerOff = async (): Promise<void> => {
    // in the background, because the connection ends with the other programs
    await run(['setsid', '--fork', 'bash', guestFile('poweroff.sh')])
    const off = await waitUntil(() => !isRunning(pid), POWER_OFF_TIMEOUT_MS)
    await cut()
    if (!off)
      throw new LabError(
        `VM ${name}`,
        `did not power off within ${POWER_OFF_TIMEOUT_MS / 1000} s and was cut`,
      )
  }
  const pull = async (disk: string): Promise<void> => {
    await run(['bash', guestFile('pull.sh'), disk, String(lunOf(options, disk))])
    await mkdir(pathsOf(directory).pulled, { recursive: true })
    await writeFile(pulledMark(disk), '')
  }
  const plug = async (disk: string): Promise<void> => {
    await run(['bash', guestFile('plug.sh'), disk, String(lunOf(options, disk)), diskById(name, disk)])
    await rm(pulledMark(disk), { force: true })
  }
  return { name, directory, pid, exec, run, cut, powerOff, pull, plug }
}

/**
 * Boots a VM and waits until it takes commands. The same state directory gives the same disks, drives and keys, so
 * this is also how a VM that was cut comes back. The VM outlives this process.
 */
export const startVm = async (options: VmOptions): Promise<Vm> => {
  checkOptions(options)
  await checkRequirements()
  const { directory, name } = options
  if (findVmProcess(directory) !== undefined) throw new LabError(`VM ${name}`, 'is running already')
  await killVm(directory)
  await mkdir(pathsOf(directory).shared, { recursive: true })
  await writeFile(pathsOf(directory).options, JSON.stringify(options, null, 2))
  await Promise.all([prepareDrives(options), makeToken(directory)])
  await writeGuestFiles(options)
  const pid = await launch(options)
  try {
    await openChannel(options)
  } catch (error) {
    await killVm(directory)
    throw error
  }
  return vmOf(options, pid)
}

/** The options by which the VM of this state directory was last started; undefined when it never was. */
export const optionsOf = async (directory: string): Promise<VmOptions | undefined> => {
  try {
    return JSON.parse(await readFile(pathsOf(directory).options, 'utf8')) as VmOptions
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}

/** The running VM of this state directory, whichever process started it; undefined when it does not run. */
export const findVm = async (directory: string): Promise<Vm | undefined> => {
  const pid = findVmProcess(directory)
  const options = await optionsOf(directory)
  return pid === undefined || options === undefined ? undefined : vmOf(options, pid)
}
