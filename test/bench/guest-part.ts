import { resolve } from 'node:path'
import type { Vm } from '../lab/vm/types.ts'

const ROOT = resolve(import.meta.dirname, '../..')
/** With the flags of the image, so that its memory is the agent's. */
const NODE = ['node_modules/.bin/node', '--expose-gc', '--max-semi-space-size=2', '--max-old-space-size=64']

/** What a guest.ts can measure on a disk of the VM, by name; arguments and results are JSON. */
type Parts = Readonly<Record<string, (disk: string, argument: never) => Promise<unknown>>>
type ArgumentOf<Part extends Parts[string]> = Parameters<Part>[1] extends undefined
  ? []
  : [Parameters<Part>[1]]

/** From the host: runs the parts of that script in the VM, one at a time. */
export const guestParts =
  <All extends Parts>(vm: Vm, script: string, disk: string) =>
  async <Name extends keyof All & string>(
    part: Name,
    ...argument: ArgumentOf<All[Name]>
  ): Promise<Awaited<ReturnType<All[Name]>>> => {
    const command = [...NODE, script, part, disk, JSON.stringify(argument[0] ?? null)]
    return JSON.parse(await vm.run(command, { directory: ROOT })) as Awaited<ReturnType<All[Name]>>
  }

/** In the guest: runs the part that the command line names, SCRIPT PART DISK ARGUMENT, and prints what it measured. */
export const runPart = async (parts: Parts): Promise<void> => {
  const [name = '', disk = '', argument = 'null'] = process.argv.slice(2)
  const measure = Object.hasOwn(parts, name) ? parts[name] : undefined
  if (measure === undefined) throw new Error(`no part "${name}"; there are: ${Object.keys(parts).join(', ')}`)
  const measured = await measure(disk, JSON.parse(argument) as never)
  process.stdout.write(`${JSON.stringify(measured ?? null)}\n`)
}
