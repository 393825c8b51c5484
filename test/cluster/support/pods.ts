import { BUSYBOX_IMAGE } from '../../lab/images/names.ts'
import type { Lab } from '../../lab/lab.ts'
import { isPodReady, type PodObject } from '../../lab/loam/agent-pods.ts'
import type { KubeObject } from '../../lab/runtime/api.ts'
import { waitFor } from '../../lab/runtime/wait.ts'

export interface PodOptions {
  readonly namespace: string
  readonly name: string
  /** Where it must run; the scheduler decides when absent. */
  readonly node?: string
  /** The value of the label `zone` that its node has to have. */
  readonly zone?: string
  /** Where it runs when it can. */
  readonly preferredNode?: string
  /** Claims by name; each is mounted at /data/NAME, or is the device /dev/NAME for block volumes. */
  readonly claims?: readonly string[]
  readonly blockClaims?: readonly string[]
  /** Who schedules it; the lab's own kube-scheduler when absent. */
  readonly schedulerName?: string
  /**
   * kubelet refuses it when it is there, before it mounts anything (pkg/kubelet, PodOSNotSupported): for tests of scheduling,
   * in which dozens of pods would take minutes to start.
   */
  readonly isNeverStarted?: boolean
  /** Gives it an emptyDir at /data/scratch. */
  readonly scratch?: boolean
  readonly image?: string
  /** What the container runs; it sleeps until it is asked to end when absent. */
  readonly command?: readonly string[]
}

/** The scheduler decides, and this weighs more than anything else of its own. */
const preference = (node: string) => ({
  nodeAffinity: {
    preferredDuringSchedulingIgnoredDuringExecution: [
      {
        weight: 100,
        preference: { matchExpressions: [{ key: 'kubernetes.io/hostname', operator: 'In', values: [node] }] },
      },
    ],
  },
})

const volume = (claim: string) => ({ name: claim, persistentVolumeClaim: { claimName: claim } })

/** A pod of busybox that ends within a second when it is deleted. */
export const podManifest = (options: PodOptions): object => {
  const { namespace, name, node, preferredNode, claims = [], blockClaims = [] } = options
  const { image = BUSYBOX_IMAGE, command, schedulerName, zone, isNeverStarted = false } = options
  const scratch = options.scratch === true ? ['scratch'] : []
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, namespace },
    spec: {
      // A selector and not nodeName: the scheduler must see the pod, or no claim waits for its node.
      ...(node === undefined ? {} : { nodeSelector: { 'kubernetes.io/hostname': node } }),
      ...(zone === undefined ? {} : { nodeSelector: { zone } }),
      ...(preferredNode === undefined ? {} : { affinity: preference(preferredNode) }),
      ...(schedulerName === undefined ? {} : { schedulerName }),
      ...(isNeverStarted ? { os: { name: 'windows' } } : {}),
      terminationGracePeriodSeconds: 1,
      tolerations: [{ operator: 'Exists' }],
      containers: [
        {
          name: 'main',
          image,
          imagePullPolicy: 'Never',
          ...(command === undefined ? {} : { command }),
          volumeMounts: [...claims, ...scratch].map((name) => ({ name, mountPath: `/data/${name}` })),
          volumeDevices: blockClaims.map((claim) => ({ name: claim, devicePath: `/dev/${claim}` })),
        },
      ],
      volumes: [
        ...[...claims, ...blockClaims].map(volume),
        ...scratch.map((name) => ({ name, emptyDir: {} })),
      ],
    },
  }
}

/** Where a pod is, or why it is nowhere. */
export interface PlacedPod extends KubeObject {
  readonly spec: { readonly nodeName?: string }
  readonly status: { readonly conditions?: readonly { readonly type: string; readonly message?: string }[] }
}

const podPath = (namespace: string, name: string): string => `/api/v1/namespaces/${namespace}/pods/${name}`

export const createPod = (lab: Lab, options: PodOptions): Promise<PodObject> =>
  lab.api.json<PodObject>({
    method: 'POST',
    path: `/api/v1/namespaces/${options.namespace}/pods`,
    body: podManifest(options),
  })

/** The pod once it is Ready. */
export const waitForPod = (lab: Lab, namespace: string, name: string): Promise<PodObject> => {
  const find = () => lab.api.find<PodObject>(podPath(namespace, name))
  const describe = async () => JSON.stringify((await find())?.status)
  return waitFor({ what: `pod ${namespace}/${name} to be Ready`, timeoutMs: 240_000, describe }, async () => {
    const pod = await find()
    return pod !== undefined && isPodReady(pod) && pod
  })
}

const findPlaced = (lab: Lab, namespace: string, name: string) =>
  lab.api.find<PlacedPod>(podPath(namespace, name))

/** The pod's node once a scheduler has bound it, which it does when all of its claims are bound. */
export const waitForNodeOf = (lab: Lab, namespace: string, name: string): Promise<string> =>
  waitFor({ what: `pod ${namespace}/${name} to have a node`, timeoutMs: 240_000 }, async () => {
    return (await findPlaced(lab, namespace, name))?.spec.nodeName
  })

/**
 * What a scheduler says of a pod that it has no node for, once it says that: before, it may not have heard of a claim that
 * was made a moment ago.
 */
export const waitForRefusal = (
  lab: Lab,
  namespace: string,
  name: string,
  saying: RegExp,
): Promise<string> => {
  const refusal = async (): Promise<string> => {
    const conditions = (await findPlaced(lab, namespace, name))?.status.conditions ?? []
    return conditions.find(({ type }) => type === 'PodScheduled')?.message ?? ''
  }
  const what = `pod ${namespace}/${name} to be refused, saying ${saying.source}`
  return waitFor({ what, timeoutMs: 240_000, describe: refusal }, async () => {
    const message = await refusal()
    return saying.test(message) ? message : undefined
  })
}

/** Runs a command in the pod's container; gives standard output, throws when its status is not 0. */
export const execInPod = async (
  lab: Lab,
  { namespace, name }: PodOptions,
  command: readonly string[],
): Promise<string> => {
  const argv = ['exec', '--namespace', namespace, name, '--', ...command]
  const { exitCode, stdout, stderr } = await lab.kubectl(argv)
  if (exitCode === 0) return stdout
  throw new Error(`${command.join(' ')} in pod ${namespace}/${name}: status ${exitCode}: ${stderr}`)
}

/** Deletes the pod and waits until it is gone. */
export const deletePod = async (lab: Lab, namespace: string, name: string): Promise<void> => {
  const path = podPath(namespace, name)
  await lab.api.send({ method: 'DELETE', path })
  await waitFor({ what: `pod ${namespace}/${name} to be gone`, timeoutMs: 240_000 }, async () => {
    return (await lab.api.find(path)) === undefined
  })
}
