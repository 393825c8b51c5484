// The part of the bench that runs in the VM, bundled: so nothing is awaited at top level.
import { runPart } from '../guest-part.ts'
import { measureCommands } from './commands.ts'
import { measureCost } from './cost.ts'
import { measureCreates } from './creates.ts'
import { makeGroup } from './group.ts'
import { measureIdle } from './idle.ts'
import { measureLives } from './lives.ts'
import { measureMemory } from './memory.ts'

const PARTS = {
  group: makeGroup,
  commands: measureCommands,
  creates: measureCreates,
  cost: measureCost,
  lives: measureLives,
  idle: measureIdle,
  memory: measureMemory,
} as const

export type Parts = typeof PARTS

void runPart(PARTS)
