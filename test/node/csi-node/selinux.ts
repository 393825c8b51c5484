import { mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'

import { run } from '../lvm/fixture.ts'

const SELINUXFS = '/sys/fs/selinux'
const SETTINGS = '/etc/selinux'
const WORK = '/run/loam-test/selinux'

/**
 * Gives this VM a policy, and has programs see it: mount(8) looks for selinuxfs and for its settings. It stays permissive.
 * A kernel keeps its policy until it ends; what programs see is taken away by `hideSelinux`.
 */
export const showSelinux = async (): Promise<void> => {
  await run('mount', '-t', 'selinuxfs', 'none', SELINUXFS)
  await mkdir(SETTINGS, { recursive: true })
  await writeFile(join(SETTINGS, 'config'), 'SELINUX=permissive\nSELINUXTYPE=test\n')
  await mkdir(WORK, { recursive: true })
  const policy = join(WORK, 'policy')
  const source = resolve(import.meta.dirname, 'labelling.cil')
  await run('secilc', '--output', policy, '--filecontext', '/dev/null', source)
  await writeFile(join(SELINUXFS, 'load'), await readFile(policy))
}

/** Programs see no SELinux any more. */
export const hideSelinux = async (): Promise<void> => {
  await run('umount', SELINUXFS)
  await rm(SETTINGS, { recursive: true })
  await rm(WORK, { recursive: true })
}

/** The label of a file, as the kernel has it. */
export const labelOfFile = async (path: string): Promise<string> =>
  (await run('stat', '--format', '%C', path)).trim()
