// The part of the bench that runs in the VM: guest.ts PART DISK ARGUMENT prints what it measured as JSON.
import { measureCost } from './cost.ts'
import { measureCreates } from './creates.ts'
import { makeGroup } from './group.ts'
import { measureIdle } from './idle.ts'
import { measureLives } from './lives.ts'
import { measureMemory } from './memory.ts'

const PARTS = {
  group: makeGroup,
  creates: measureCreates,
  cost: measureCost,
  lives: measureLives,
  idle: measureIdle,
  memory: measureMemory,
} as const satisfies Record<string, (disk: string, argument: never) => Promise<unknown>>

export type Part = keyof typeof PARTS
export type Argument<Name extends Part> = Parameters<(typeof PARTS)[Name]>[1]
export type Measured<Name extends Part> = Awaited<ReturnType<(typeof PARTS)[Name]>>

const isPart = (name: string): name is Part => Object.hasOwn(PARTS, name)

const [name = '', disk = '', argument = 'null'] = process.argv.slice(2)
if (!isPart(name)) throw new Error(`no part "${name}"; there are: ${Object.keys(PARTS).join(', ')}`)
const measure: (disk: string, argument: never) => Promise<unknown> = PARTS[name]
const measured = await measure(disk, JSON.parse(argument) as never)
process.stdout.write(`${JSON.stringify(measured ?? null)}\n`)
