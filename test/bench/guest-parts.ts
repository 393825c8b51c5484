import { join, resolve } from 'node:path'
import { bundle } from '../../scripts/build.ts'
import { SHARED_MOUNT } from '../lab/vm/guest.ts'
import { pathsOf } from '../lab/vm/paths.ts'
import type { Vm } from '../lab/vm/types.ts'
import type { Parts } from './guest-part.ts'

const ROOT = resolve(import.meta.dirname, '../..')
const NAME = 'bench'
/** With the flags of the image, so that its memory is the agent's: each command that it starts costs a fork of that. */
const NODE = ['node_modules/.bin/node', '--expose-gc', '--max-semi-space-size=2', '--max-old-space-size=64']

type ArgumentOf<Part extends Parts[string]> = Parameters<Part>[1] extends undefined
  ? []
  : [Parameters<Part>[1]]

/** From the host: bundles a script as the agent is bundled. Gives what runs its parts in the VM, one at a time. */
export const guestParts = async <All extends Parts>(vm: Vm, script: string, disk: string) => {
  await bundle({ entry: join(ROOT, script), name: NAME, directory: pathsOf(vm.directory).shared })
  const program = [...NODE, join(SHARED_MOUNT, `${NAME}.cjs`)]
  return async <Name extends keyof All & string>(
    part: Name,
    ...argument: ArgumentOf<All[Name]>
  ): Promise<Awaited<ReturnType<All[Name]>>> => {
    const command = [...program, part, disk, JSON.stringify(argument[0] ?? null)]
    return JSON.parse(await vm.run(command, { directory: ROOT })) as Awaited<ReturnType<All[Name]>>
  }
}
