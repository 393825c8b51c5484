import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { diskById } from './disks.ts'
import { createSingleVm, type SingleVm } from './single-vm.ts'
import type { Vm } from './types.ts'

const GiB = 2 ** 30

/** Bound for one test, boots included, on a machine that is busy with other things. */
export const VM_TEST_TIMEOUT_MS = 240_000

/** The VM of one test file: two disks, one drive, booted before its first test and removed after the last. */
export const useVm = () => {
  let single: SingleVm | undefined
  let vm: Vm | undefined

  const existing = (): SingleVm => {
    if (single === undefined) throw new Error('used outside of a test')
    return single
  }
  const running = (): Vm => {
    if (vm === undefined) throw new Error('used before it was booted')
    return vm
  }
  const start = async (): Promise<void> => {
    vm = await existing().start()
  }
  const cutAndStart = async (): Promise<void> => {
    await running().cut()
    await start()
  }

  before(async () => {
    single = await createSingleVm({
      directory: await mkdtemp(join(tmpdir(), 'loam-vm-')),
      disks: ['a', 'b'].map((name) => ({ name, sizeBytes: GiB })),
      drives: [{ mount: '/var/lib/kubelet', sizeBytes: GiB / 4 }],
    })
    await start()
  })
  after(() => existing().stop())

  return {
    vm: running,
    single: existing,
    start,
    cutAndStart,
    disk: (name: string): string => diskById(existing().options.name, name),
    /** Runs lines of shell in the guest; any that fails is an error. */
    shell: (script: string): Promise<string> => running().run(['sh', '-ec', script]),
  }
}

/** Message of the error that the promise ends with. */
export const errorOf = (promise: Promise<unknown>): Promise<string> =>
  promise.then(
    () => 'no error',
    (error: unknown) => (error as Error).message,
  )
