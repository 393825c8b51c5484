import { mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { createNetwork, namespaceOf, removeNetwork } from './network.ts'
import { checkRequirements } from './requirements.ts'
import type { DiskSpec, DriveSpec, Vm, VmOptions } from './types.ts'
import { killVm, startVm } from './vm.ts'

export interface SingleVmOptions {
  /** Made when it is not there, and removed by stop: absolute, and nobody else's. */
  readonly directory: string
  readonly disks: readonly DiskSpec[]
  readonly drives?: readonly Pick<DriveSpec, 'mount' | 'sizeBytes'>[]
  readonly memoryMiB?: number
}

/** One VM with a network of its own: for tests and benches that need a real kernel and no cluster. */
export interface SingleVm {
  readonly options: VmOptions
  /** Boots it, the first time or again after a cut. */
  start(): Promise<Vm>
  /** Ends the VM and removes everything: processes, network, files. Safe to call at any time, and twice. */
  stop(): Promise<void>
}

const NAME = 'vm1'

/** Removes whatever there is of the single VM of this directory. Nothing is success. */
export const removeSingleVm = async (directory: string): Promise<void> => {
  await killVm(join(directory, NAME))
  await removeNetwork(namespaceOf(directory))
  await rm(directory, { recursive: true, force: true })
}

export const createSingleVm = async (single: SingleVmOptions): Promise<SingleVm> => {
  const { directory, disks, drives = [], memoryMiB = 1024 } = single
  const network = { namespace: namespaceOf(directory), tap: 'tap0', gateway: '10.99.0.1' }
  const options: VmOptions = {
    name: NAME,
    directory: join(directory, NAME),
    memoryMiB,
    isBusy: true,
    disks,
    drives: drives.map((drive, index) => ({ ...drive, file: join(directory, `drive${index}.img`) })),
    network: { ...network, address: '10.99.0.11/24' },
  }
  await checkRequirements()
  await removeSingleVm(directory)
  await mkdir(directory, { recursive: true })
  await createNetwork({
    namespace: network.namespace,
    bridgeAddress: `${network.gateway}/24`,
    taps: [network.tap],
  })
  return { options, start: () => startVm(options), stop: () => removeSingleVm(directory) }
}
