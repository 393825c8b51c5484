import * as v from 'valibot'

/** One entry of the StorageClass parameter `disks`: which nodes, and which disks of each of them. */
export interface DiskSelection {
  readonly nodes:
    { readonly names: readonly string[] } | { readonly selector: Readonly<Record<string, string>> }
  readonly paths: readonly string[]
}

const DEVICE_PATH = /^(?!.*\/\.\.?(?:\/|$))\/dev\/[A-Za-z0-9_.:+@=/-]{1,250}$/
const NODE_NAME = /^[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?$/

const entrySchema = v.strictObject({
  nodes: v.optional(
    v.pipe(
      v.array(
        v.pipe(
          v.string(),
          v.regex(NODE_NAME, (issue) => `${issue.received} is not a node name`),
        ),
      ),
      v.minLength(1, 'nodes is empty: name at least one node'),
    ),
  ),
  nodeSelector: v.optional(v.record(v.string(), v.string())),
  disks: v.pipe(
    v.array(
      v.pipe(
        v.string(),
        v.regex(
          DEVICE_PATH,
          (issue) =>
            `${issue.received} is not a device path (allowed: /dev/disk/by-id/… or /dev/…, without "..")`,
        ),
      ),
    ),
    v.minLength(1, 'disks is empty: list at least one disk'),
  ),
})

type Entry = v.InferOutput<typeof entrySchema>

const nodesOf = (entry: Entry): DiskSelection['nodes'] | undefined => {
  if (entry.nodes !== undefined && entry.nodeSelector === undefined) return { names: entry.nodes }
  if (entry.nodes === undefined && entry.nodeSelector !== undefined) return { selector: entry.nodeSelector }
  return undefined
}

const where = (issue: v.BaseIssue<unknown>): string => v.getDotPath(issue) ?? 'the list'

const parseJson = (text: string): { value: unknown } | { fault: string } => {
  try {
    return { value: JSON.parse(text) as unknown }
  } catch (error) {
    return { fault: `it is not JSON: ${String(error)}` }
  }
}

/** Reads the parameter; gives the selections, or every fault in it. */
export const parseDiskSelections = (
  text: string,
): { selections: readonly DiskSelection[] } | { faults: readonly string[] } => {
  const json = parseJson(text)
  if ('fault' in json) return { faults: [json.fault] }
  const result = v.safeParse(v.pipe(v.array(entrySchema), v.minLength(1, 'the list is empty')), json.value)
  if (!result.success) return { faults: result.issues.map((issue) => `${where(issue)}: ${issue.message}`) }
  const faults: string[] = []
  const selections: DiskSelection[] = []
  for (const [index, entry] of result.output.entries()) {
    const nodes = nodesOf(entry)
    if (nodes === undefined) faults.push(`${index}: give exactly one of nodes and nodeSelector`)
    else selections.push({ nodes, paths: entry.disks })
  }
  return faults.length > 0 ? { faults } : { selections }
}

const selects = (
  selection: DiskSelection,
  nodeName: string,
  labels: Readonly<Record<string, string>>,
): boolean =>
  'names' in selection.nodes
    ? selection.nodes.names.includes(nodeName)
    : Object.entries(selection.nodes.selector).every(([label, value]) => labels[label] === value)

/** The paths that the selections give a node, each once, in the order written. */
export const disksForNode = (
  selections: readonly DiskSelection[],
  nodeName: string,
  nodeLabels: Readonly<Record<string, string>>,
): string[] => [
  ...new Set(
    selections
      .filter((selection) => selects(selection, nodeName, nodeLabels))
      .flatMap((selection) => selection.paths),
  ),
]
