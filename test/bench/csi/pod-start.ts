import { agentMemory, type ProcessMemory } from '../../cluster/support/agent-process.ts'
import { createClaim, waitForBound } from '../../cluster/support/claims.ts'
import { createNamespace } from '../../cluster/support/namespace.ts'
import { createPod, deletePod, waitForPod } from '../../cluster/support/pods.ts'
import { testLabDirectory } from '../../cluster/support/shared-lab.ts'
import { createClass, waitForClass } from '../../cluster/support/storage-class.ts'
import { SELECTED_NODE } from '../../../kube/claim-view.ts'
import { makeFileSystemCommand } from '../../../lvm/file-system.ts'
import { down } from '../../lab/down.ts'
import type { Lab } from '../../lab/lab.ts'
import { labDirectory } from '../../lab/runtime/directory.ts'
import { createProgress } from '../../lab/runtime/progress.ts'
import { waitFor } from '../../lab/runtime/wait.ts'
import { up } from '../../lab/up.ts'
import { diskById } from '../../lab/vm/disks.ts'
import type { Bench } from '../bench.ts'
import { timeInGuest } from '../guest-times.ts'
import type { Figure } from '../report.ts'
import { median } from '../statistics.ts'

const NODE = 'node1'
const CLASS = 'bench'
const SIZE = '1Gi'
const GIB = 2 ** 30
/** What daemonset/agent.yaml asks for. */
const REQUESTED_BYTES = 64 * 2 ** 20

/** Milliseconds of each round. */
interface Starts {
  readonly emptyDirMs: readonly number[]
  readonly unboundMs: readonly number[]
  readonly boundMs: readonly number[]
  readonly mkfsMs: readonly number[]
}

/** Kubelet lets go of a volume after its pod is gone: the next start must not run beside that. */
const waitUntilUnstaged = (lab: Lab): Promise<true> =>
  waitFor({ what: `no volume to be active on ${NODE}`, timeoutMs: 240_000 }, async () => {
    const { stdout } = await (await lab.vm(NODE)).exec(['dmsetup', 'ls'])
    return stdout.trim() === 'No devices found'
  })

/** Milliseconds from the POST of the pod until it is Ready; it is gone again when this returns, its claims are not. */
const timePod = async (lab: Lab, namespace: string, claims: readonly string[]): Promise<number> => {
  const pod = { namespace, name: 'timed', claims, scratch: claims.length === 0 }
  const start = performance.now()
  await createPod(lab, pod)
  await waitForPod(lab, namespace, pod.name)
  const took = performance.now() - start
  await deletePod(lab, namespace, pod.name)
  await waitUntilUnstaged(lab)
  return took
}

const timeUnbound = async (lab: Lab, namespace: string, name: string): Promise<number> => {
  await createClaim(lab, { namespace, name, storageClass: CLASS, size: SIZE })
  return timePod(lab, namespace, [name])
}

/** What kube-scheduler writes, before there is a pod; the volume is made, and not formatted. */
const bind = async (lab: Lab, namespace: string, name: string): Promise<void> => {
  await lab.api.json({
    method: 'PATCH',
    path: `/api/v1/namespaces/${namespace}/persistentvolumeclaims/${name}`,
    contentType: 'application/merge-patch+json',
    body: { metadata: { annotations: { [SELECTED_NODE]: NODE } } },
  })
  await waitForBound(lab, namespace, name)
}

const timeBound = async (lab: Lab, namespace: string, name: string): Promise<number> => {
  await createClaim(lab, { namespace, name, storageClass: CLASS, size: SIZE })
  await bind(lab, namespace, name)
  return timePod(lab, namespace, [name])
}

/** Of as much of the disk that no class lists; `-F` because it has one from the round before. */
const timeMkfs = async (lab: Lab): Promise<number> => {
  const { file, args } = makeFileSystemCommand('ext4', diskById(NODE, 'b'))
  const mkfs = { command: [file, '-F', ...args, '1G'] }
  const { mkfs: times } = await timeInGuest(await lab.vm(NODE), 1, { mkfs })
  return median(times)
}

/**
 * Takes turns; the first turn warms up images and caches, and is not counted. Claims stay to the end: their volumes would be
 * erased while the next pod starts.
 */
const timeStarts = async (lab: Lab, rounds: number): Promise<Starts> => {
  const namespace = await createNamespace(lab)
  const times = { emptyDirMs: [0], unboundMs: [0], boundMs: [0], mkfsMs: [0] }
  for (let round = 0; round <= rounds; round++) {
    times.emptyDirMs[round] = await timePod(lab, namespace, [])
    times.unboundMs[round] = await timeUnbound(lab, namespace, `unbound-${round}`)
    times.mkfsMs[round] = await timeMkfs(lab)
    times.boundMs[round] = await timeBound(lab, namespace, `bound-${round}`)
  }
  return {
    emptyDirMs: times.emptyDirMs.slice(1),
    unboundMs: times.unboundMs.slice(1),
    boundMs: times.boundMs.slice(1),
    mkfsMs: times.mkfsMs.slice(1),
  }
}

export const podStartFigures = (starts: Starts): readonly Figure[] => {
  const rounds = starts.emptyDirMs.length
  const emptyDirMs = median(starts.emptyDirMs)
  const unboundMs = median(starts.unboundMs)
  const boundMs = median(starts.boundMs)
  const mkfsMs = median(starts.mkfsMs)
  const counted = `median of ${rounds} pods with`
  return [
    {
      name: 'csi/pod-start-bound',
      ratio: boundMs / (emptyDirMs + mkfsMs),
      goal: { atMost: 1.3 },
      raw: { boundMs, emptyDirMs, mkfsMs, rounds },
      method: `${counted} a claim (ext4, 1 GiB) that was bound before and never used, from POST to Ready, over as many with an emptyDir and the mkfs of Loam on 1 GiB of a bare disk, in turns on one node`,
    },
    {
      name: 'csi/pod-start-unbound',
      ratio: unboundMs / emptyDirMs,
      goal: { atMost: 1.6 },
      raw: { unboundMs, emptyDirMs, rounds },
      method: `${counted} an unbound claim (ext4, 1 GiB), from POST to Ready, over as many with an emptyDir, in turns on one node; TopoLVM 2.8`,
    },
  ]
}

export const agentMemoryFigures = (memory: ProcessMemory): readonly Figure[] => [
  {
    name: 'csi/agent-memory',
    ratio: memory.anonymousBytes / REQUESTED_BYTES,
    goal: { atMost: 1 },
    raw: { ...memory, requestedBytes: REQUESTED_BYTES },
    method:
      "anonymous memory of the agent's process (Pss_Anon in /proc/PID/smaps_rollup; pssBytes has the pages of its files as well) after these pods, over its pod's memory request",
  },
]

/** What a claim adds to the start of a pod, in a lab of one node. */
export const measurePodStarts: Bench = async ({ progress, scaled }) => {
  const rounds = scaled(5)
  const directory = labDirectory(testLabDirectory('pod-start'))
  const environment = process.env
  try {
    const lab = await up(directory, {
      ...{ nodes: 1, withLoam: true, environment },
      disks: { count: 2, sizeBytes: (2 * (rounds + 1) + 1) * GIB },
      progress: createProgress((line) => process.stderr.write(line)),
    })
    await waitForClass(lab, await createClass(lab, { name: CLASS, disks: { [NODE]: ['a'] } }))
    progress(`starting ${rounds + 1} pods with an emptyDir, an unbound claim, and a bound claim`)
    return [
      ...podStartFigures(await timeStarts(lab, rounds)),
      ...agentMemoryFigures(await agentMemory(lab, NODE)),
    ]
  } finally {
    await down(directory, environment)
  }
}
