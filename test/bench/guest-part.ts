/** What a guest.ts can measure on a disk of the VM, by name; arguments and results are JSON. */
export type Parts = Readonly<Record<string, (disk: string, argument: never) => Promise<unknown>>>

/** In the guest: runs the part that the command line names, SCRIPT PART DISK ARGUMENT, and prints what it measured. */
export const runPart = async (parts: Parts): Promise<void> => {
  const [name = '', disk = '', argument = 'null'] = process.argv.slice(2)
  const measure = Object.hasOwn(parts, name) ? parts[name] : undefined
  if (measure === undefined) throw new Error(`no part "${name}"; there are: ${Object.keys(parts).join(', ')}`)
  const measured = await measure(disk, JSON.parse(argument) as never)
  process.stdout.write(`${JSON.stringify(measured ?? null)}\n`)
}
