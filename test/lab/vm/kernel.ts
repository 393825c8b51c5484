import { access, constants } from 'node:fs/promises'
import { join } from 'node:path'
import { execa } from 'execa'
import { cacheDirectory } from '../programs/cache.ts'

/** Debian's package has it on PATH; scripts/setup puts a newer one into the cache. */
export const UML_PROGRAM = 'linux.uml'

/** The kernel that VMs boot. */
export interface Kernel {
  /** Path or name of the program. */
  readonly program: string
  /** Folder of its modules, whose name is its version. */
  readonly modules: string
  /** What it has to be told beside what every VM is told. */
  readonly arguments: readonly string[]
}

const versionOf = async (program: string): Promise<string> =>
  (await execa(program, ['--version'])).stdout.trim()

const isProgram = (path: string): Promise<boolean> =>
  access(path, constants.X_OK).then(
    () => true,
    () => false,
  )

/**
 * The newest there is. From 6.16 on a kernel needs no ptrace for the programs in it (`seccomp=on`): starting one takes 40 %
 * of the time. Whoever runs in the VM could then break out of it, into this machine; only our own tests do.
 */
export const findKernel = async (environment: NodeJS.ProcessEnv): Promise<Kernel> => {
  const cache = join(cacheDirectory(environment), 'kernel')
  const program = join(cache, UML_PROGRAM)
  if (await isProgram(program))
    return { program, modules: join(cache, 'modules', await versionOf(program)), arguments: ['seccomp=on'] }
  const version = await versionOf(UML_PROGRAM)
  return { program: UML_PROGRAM, modules: `/usr/lib/uml/modules/${version}`, arguments: [] }
}
