import { removeAbandoned, singleVmDirectory } from './abandoned.ts'
import { createSingleVm, type SingleVm, type SingleVmOptions } from './single-vm.ts'
import type { Vm } from './types.ts'

export interface Session extends SingleVm {
  readonly vm: Vm
}

/** Does work with a freshly booted VM and removes the VM afterwards, also when interrupted or when the work fails. */
export const withSingleVm = async <Result>(
  purpose: string,
  options: Omit<SingleVmOptions, 'directory'>,
  work: (session: Session) => Promise<Result>,
): Promise<Result> => {
  await removeAbandoned()
  const single = await createSingleVm({ ...options, directory: singleVmDirectory(purpose) })
  const interrupted = Promise.withResolvers<never>()
  const interrupt = (signal: NodeJS.Signals): void =>
    interrupted.reject(new Error(`interrupted by ${signal}`))
  process.once('SIGINT', interrupt).once('SIGTERM', interrupt)
  try {
    const started = single.start().then((vm) => work({ ...single, vm }))
    return await Promise.race([started, interrupted.promise])
  } finally {
    process.off('SIGINT', interrupt).off('SIGTERM', interrupt)
    await single.stop()
  }
}
