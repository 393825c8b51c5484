import * as v from 'valibot'
import { LoamError, messageOf } from '../core/errors.ts'

/** A volume of a pod. Kinds that have nothing to do with claims have a name only. */
const volumeSchema = v.object({
  name: v.string(),
  persistentVolumeClaim: v.exactOptional(v.object({ claimName: v.string() })),
  ephemeral: v.exactOptional(
    v.object({
      volumeClaimTemplate: v.exactOptional(
        v.object({
          spec: v.object({
            storageClassName: v.exactOptional(v.string()),
            resources: v.exactOptional(
              v.object({ requests: v.exactOptional(v.object({ storage: v.exactOptional(v.string()) })) }),
            ),
          }),
        }),
      ),
    }),
  ),
})

const podSchema = v.object({
  metadata: v.object({ namespace: v.string(), name: v.string(), uid: v.string() }),
  spec: v.object({ volumes: v.optional(v.array(volumeSchema), []) }),
})

/** The parts of a Pod that are read; `volumes` is empty when the pod has none. */
export type ExtenderPod = v.InferOutput<typeof podSchema>

/** What kube-scheduler asks about (k8s.io/kube-scheduler/extender/v1, "ExtenderArgs"). */
export interface ExtenderArgs {
  readonly pod: ExtenderPod
  /** The nodes that are still in question. */
  readonly nodeNames: readonly string[]
}

/**
 * Answer to `filter` (the same package, "ExtenderFilterResult"). Its Go type has no JSON tags: the keys are the names of
 * the fields. kube-scheduler looks at nothing else when `Error` is set, and fails the whole attempt if `NodeNames` has a
 * node that it did not ask about.
 */
export interface FilterResult {
  readonly NodeNames: readonly string[]
  /** Why not, by node; evicting pods of lower priority may help. */
  readonly FailedNodes: Readonly<Record<string, string>>
  /** Why not, by node; evicting pods does not help. */
  readonly FailedAndUnresolvableNodes: Readonly<Record<string, string>>
  /** People find it in the events of the pod. Older kube-schedulers take it for a format of Go: no percent signs. */
  readonly Error: string
}

/** What a filter found: which nodes are left for the pod, and why not the others. */
export interface Filtered {
  readonly nodeNames: readonly string[]
  /** Nodes by why they are refused: few texts, and thousands of nodes that share them. Evicting pods does not help there. */
  readonly refused: ReadonlyMap<string, readonly string[]>
}

/**
 * The JSON of a FilterResult. Members are written here, one after another, because an object with thousands of names for keys
 * takes a multiple of the time to be made and written again. A node that is refused twice is there twice.
 */
export const filterResultText = ({ nodeNames, refused }: Filtered, error = ''): string => {
  const members = [...refused].flatMap(([why, names]) => {
    const text = JSON.stringify(why)
    return names.map((name) => `${JSON.stringify(name)}:${text}`)
  })
  const refusals = `"FailedNodes":{},"FailedAndUnresolvableNodes":{${members.join(',')}}`
  return `{"NodeNames":${JSON.stringify(nodeNames)},${refusals},"Error":${JSON.stringify(error)}}`
}

/** Element of the answer to `prioritize` (the same package, "HostPriority"). */
export interface HostPriority {
  readonly Host: string
  /** 0 to 10, whole; more is better. */
  readonly Score: number
}

/** The request is not one that kube-scheduler makes. */
export class InvalidExtenderArgs extends LoamError {
  override readonly reason = 'InvalidExtenderArgs'
}

/** The request has no names of nodes that could be read: kube-scheduler has to be configured otherwise. */
export class InvalidNodeNames extends LoamError {
  override readonly reason = 'InvalidNodeNames'
}

/** How people make kube-scheduler send NodeNames. */
export const NODE_CACHE_CAPABLE =
  'this extender has to be configured with "nodeCacheCapable: true" in KubeSchedulerConfiguration'

const REQUEST = 'request of kube-scheduler'

const parsed = (text: string): unknown => {
  try {
    return JSON.parse(text)
  } catch (error) {
    throw new InvalidExtenderArgs(REQUEST, `it is not JSON: ${messageOf(error)}`, { cause: error })
  }
}

const podOf = (value: unknown): ExtenderPod => {
  if (value === undefined || value === null) throw new InvalidExtenderArgs(REQUEST, 'it has no Pod')
  const result = v.safeParse(podSchema, value)
  if (result.success) return result.output
  const faults = result.issues.map((issue) => `Pod.${v.getDotPath(issue) ?? ''}: ${issue.message}`)
  throw new InvalidExtenderArgs(REQUEST, faults.join('; '))
}

/** Thousands of names come with every request, so a plain loop looks at them. */
const nodeNamesOf = (args: object, { metadata }: ExtenderPod): readonly string[] => {
  const { Nodes = null, NodeNames = null } = args as {
    readonly Nodes?: unknown
    readonly NodeNames?: unknown
  }
  const fail = (what: string): never => {
    const object = `Pod "${metadata.namespace}/${metadata.name}"`
    throw new InvalidNodeNames(object, `kube-scheduler sent ${what}`, { advice: NODE_CACHE_CAPABLE })
  }
  if (NodeNames === null) return fail(Nodes === null ? 'no NodeNames' : 'Nodes in place of NodeNames')
  if (!Array.isArray(NodeNames)) return fail(`NodeNames of type ${typeof NodeNames}: a list is allowed`)
  for (const name of NodeNames as unknown[])
    if (typeof name !== 'string') fail(`an element of type ${typeof name} in NodeNames: strings are allowed`)
  return NodeNames as string[]
}

/**
 * Reads the body of a request to an extender. Whether the nodes exist, or come twice, is not looked at.
 * @throws InvalidExtenderArgs for what no kube-scheduler sends
 * @throws InvalidNodeNames when a kube-scheduler sends whole nodes, or none
 */
export const readExtenderArgs = (text: string): ExtenderArgs => {
  const args = parsed(text)
  if (typeof args !== 'object' || args === null || Array.isArray(args))
    throw new InvalidExtenderArgs(REQUEST, 'it is not an object: one with Pod and NodeNames is allowed')
  const pod = podOf('Pod' in args ? args.Pod : undefined)
  return { pod, nodeNames: nodeNamesOf(args, pod) }
}
