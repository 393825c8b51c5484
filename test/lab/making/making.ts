import type { Lab } from '../lab.ts'
import type { AgentImage } from '../loam/image.ts'
import type { Programs } from '../programs/build.ts'
import type { LAB_PROGRAMS } from '../programs/catalog.ts'
import type { Progress } from '../runtime/progress.ts'

export interface UpOptions {
  readonly nodes: number
  readonly disks: { readonly count: number; readonly sizeBytes: number }
  readonly withLoam: boolean
  readonly environment: NodeJS.ProcessEnv
  readonly progress: Progress
}

/** What the steps of making a lab hand on to each other. */
export interface Making {
  readonly lab: Lab
  readonly options: UpOptions
  readonly programs: Programs<(typeof LAB_PROGRAMS)[number]>
}

/** Where the nodes' images come from. */
export interface NodeImages {
  /** Absent in a lab without Loam. */
  readonly agent: AgentImage | undefined
  /** See images/base-disk.ts. */
  readonly baseDisk: string
}
