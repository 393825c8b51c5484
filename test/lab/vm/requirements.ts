import { access, constants } from 'node:fs/promises'
import { delimiter, join } from 'node:path'
import { LabError } from './errors.ts'

/** Programs that VMs, their disks and their network need on PATH. */
const programs = ['linux.uml', 'taskset', 'modprobe', 'udevadm', 'lvm', 'mkfs.ext4', 'ip', 'perl', 'socat']

const isOnPath = async (program: string, path: string): Promise<boolean> => {
  const tries = path.split(delimiter).map((folder) =>
    access(join(folder, program), constants.X_OK).then(
      () => true,
      () => false,
    ),
  )
  return (await Promise.all(tries)).includes(true)
}

const exists = (file: string): Promise<boolean> =>
  access(file).then(
    () => true,
    () => false,
  )

/** What is missing on this machine before a VM can start, each as a sentence that says what to do; empty when ready. */
const missingRequirements = async (): Promise<readonly string[]> => {
  const missing: string[] = []
  if (process.getuid?.() !== 0) missing.push('not root: run as root (taps and namespaces need it)')
  if (!(await exists('/dev/net/tun')))
    missing.push('no /dev/net/tun: load the tun module or allow it in this container')
  const path = process.env.PATH ?? ''
  const found = await Promise.all(programs.map((program) => isOnPath(program, path)))
  const absent = programs.filter((_, index) => found[index] !== true)
  if (absent.length > 0)
    missing.push(`no ${absent.join(', ')} on PATH: run scripts/setup, which installs the Debian packages`)
  return missing
}

export const checkRequirements = async (): Promise<void> => {
  const missing = await missingRequirements()
  if (missing.length > 0) throw new LabError('this machine', `cannot run VMs: ${missing.join('; ')}`)
}
