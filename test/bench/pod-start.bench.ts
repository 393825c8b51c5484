import { createClaim, deleteClaim } from '../cluster/support/claims.ts'
import { createNamespace } from '../cluster/support/namespace.ts'
import { createPod, deletePod, waitForPod } from '../cluster/support/pods.ts'
import { testLabDirectory } from '../cluster/support/shared-lab.ts'
import { agentMemory, type ProcessMemory } from '../cluster/support/agent-process.ts'
import { createClass, waitForClass } from '../cluster/support/storage-class.ts'
import { down } from '../lab/down.ts'
import type { Lab } from '../lab/lab.ts'
import { labDirectory } from '../lab/runtime/directory.ts'
import { createProgress } from '../lab/runtime/progress.ts'
import { up } from '../lab/up.ts'
import type { Bench } from './bench.ts'
import type { Figure } from './report.ts'
import { median } from './statistics.ts'

const ROUNDS = 5
const NODE = 'node1'
const CLASS = 'bench'
/** What daemonset/agent.yaml asks for. */
const REQUESTED_BYTES = 64 * 2 ** 20

interface Starts {
  readonly withClaimMs: readonly number[]
  readonly emptyDirMs: readonly number[]
}

/** Milliseconds from the POST of the pod until it is Ready; it is gone again when this returns. */
const timePod = async (lab: Lab, namespace: string, claims: readonly string[]): Promise<number> => {
  const pod = { namespace, name: 'timed', claims, scratch: claims.length === 0 }
  const start = performance.now()
  await createPod(lab, pod)
  await waitForPod(lab, namespace, pod.name)
  const took = performance.now() - start
  await deletePod(lab, namespace, pod.name)
  return took
}

const timeClaim = async (lab: Lab, namespace: string): Promise<number> => {
  await createClaim(lab, { namespace, name: 'data', storageClass: CLASS, size: '64Mi' })
  const took = await timePod(lab, namespace, ['data'])
  await deleteClaim(lab, namespace, 'data')
  return took
}

/** Takes turns; the first turn warms up images and caches, and is not counted. */
const timeStarts = async (lab: Lab, rounds: number): Promise<Starts> => {
  const namespace = await createNamespace(lab)
  const withClaimMs: number[] = []
  const emptyDirMs: number[] = []
  for (let round = 0; round <= rounds; round++) {
    emptyDirMs.push(await timePod(lab, namespace, []))
    withClaimMs.push(await timeClaim(lab, namespace))
  }
  return { withClaimMs: withClaimMs.slice(1), emptyDirMs: emptyDirMs.slice(1) }
}

const figures = ({ withClaimMs, emptyDirMs }: Starts, memory: ProcessMemory): readonly Figure[] => [
  {
    name: 'pod-start/claim',
    ratio: median(withClaimMs) / median(emptyDirMs),
    goal: { atMost: 2 },
    raw: { withClaimMs: median(withClaimMs), emptyDirMs: median(emptyDirMs), rounds: withClaimMs.length },
    method: `median of ${withClaimMs.length} pods with an unbound claim (ext4, 64 MiB), from POST to Ready, over as many with an emptyDir, in turns on one node`,
  },
  {
    name: 'pod-start/agent-memory',
    ratio: memory.anonymousBytes / REQUESTED_BYTES,
    goal: { atMost: 1 },
    raw: { ...memory, requestedBytes: REQUESTED_BYTES },
    method:
      "anonymous memory of the agent's process (Pss_Anon in /proc/PID/smaps_rollup; pssBytes has the pages of its files as well) after these pods, over its pod's memory request",
  },
]

/** What a claim adds to the start of a pod, in a lab of one node. */
export const bench: Bench = async ({ progress, scaled }) => {
  const rounds = scaled(ROUNDS)
  const directory = labDirectory(testLabDirectory('pod-start'))
  const environment = process.env
  try {
    const lab = await up(directory, {
      ...{ nodes: 1, disks: { count: 1, sizeBytes: 2 ** 30 }, withLoam: true, environment },
      progress: createProgress((line) => process.stderr.write(line)),
    })
    await waitForClass(lab, await createClass(lab, { name: CLASS, disks: { [NODE]: ['a'] } }))
    progress(`starting ${rounds + 1} pods with a claim, and as many without`)
    return figures(await timeStarts(lab, rounds), await agentMemory(lab, NODE))
  } finally {
    await down(directory, environment)
  }
}
