// The part of the bench that runs in the VM, bundled: so nothing is awaited at top level.
import { runPart } from '../guest-part.ts'
import { makeGroup } from '../lvm/group.ts'
import { measureCalls } from './calls.ts'
import { measureFio } from './fio.ts'
import { measureStats } from './stats.ts'

const PARTS = { group: makeGroup, calls: measureCalls, fio: measureFio, stats: measureStats } as const

export type Parts = typeof PARTS

void runPart(PARTS)
