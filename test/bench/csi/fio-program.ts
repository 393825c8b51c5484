import { execa } from 'execa'

/** The VM runs this machine's own programs. @throws Error that says what to install, when fio(1) cannot be started */
export const requireFio = async (program = 'fio'): Promise<void> => {
  const { exitCode } = await execa(program, ['--version'], { reject: false })
  if (exitCode === 0) return
  throw new Error(`${program} is not on PATH, and this bench runs it in the VM: apt-get install fio`)
}
