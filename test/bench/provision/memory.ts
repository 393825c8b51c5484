import type { Figure } from '../report.ts'
import type { Memory } from './agent.ts'

/** TopoLVM's node: lvmd, node, registrar and livenessprobe, with 30 volumes, in the same lab. */
const TOPOLVM_BYTES = 105e6

export interface MemoryUse {
  readonly idle: Memory
  readonly full: Memory
  readonly volumes: number
  readonly foreignClaims: number
}

export const memoryFigures = ({ idle, full, volumes, foreignClaims }: MemoryUse): readonly Figure[] => {
  const raw = {
    pssBytes: full.pssBytes,
    anonymousBytes: full.anonymousBytes,
    idlePssBytes: idle.pssBytes,
    idleAnonymousBytes: idle.anonymousBytes,
    volumes,
    foreignClaims,
  }
  return [
    {
      name: 'provision/memory-growth',
      ratio: full.pssBytes / idle.pssBytes,
      goal: { atMost: 1.6 },
      raw,
      method: `PSS of the agent's process, alone with a copy of its program, with ${volumes} volumes and ${foreignClaims} claims of others in the cluster, over the same process with an empty group and no claims`,
    },
    {
      name: 'provision/memory',
      ratio: full.pssBytes / TOPOLVM_BYTES,
      goal: { atMost: 0.7 },
      raw,
      method: `the same PSS over that of TopoLVM's node (four processes, 105 MB with 30 volumes, measured in this lab)`,
    },
  ]
}
