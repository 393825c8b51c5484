import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { isRunning } from './processes.ts'
import { removeSingleVm } from './single-vm.ts'

const FOLDER = join(import.meta.dirname, '../../../.lab')

/** State directory of this process's single VM for a purpose, in the checkout's ignored folder. */
export const singleVmDirectory = (purpose: string): string => join(FOLDER, `vm-${purpose}-${process.pid}`)

const ownerOf = (folder: string): number => Number(/^vm-.+-(\d+)$/.exec(folder)?.[1] ?? Number.NaN)

/** Removes what runs left behind that were killed before they could: VMs, networks and files. */
export const removeAbandoned = async (): Promise<void> => {
  const folders = await readdir(FOLDER).catch(() => [])
  const abandoned = folders.filter((folder) => ownerOf(folder) > 0 && !isRunning(ownerOf(folder)))
  for (const folder of abandoned) await removeSingleVm(join(FOLDER, folder))
}
