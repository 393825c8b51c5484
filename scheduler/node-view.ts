import type { KubeObject } from '../kube/types.ts'

/** The parts of a Node that Loam reads. */
export interface Node extends KubeObject {
  readonly spec?: { readonly unschedulable?: boolean }
  readonly status?: { readonly conditions?: readonly { readonly type: string; readonly status: string }[] }
}

/** What is kept of a Node. */
export interface NodeView {
  readonly labels: Readonly<Record<string, string>>
  /** Why nothing new should go there; undefined when something may. */
  readonly unfit: string | undefined
}

const isReady = ({ status }: Node): boolean =>
  status?.conditions?.some(({ type, status: value }) => type === 'Ready' && value === 'True') === true

/** Reads a Node. */
export const viewNode = (node: Node): NodeView => {
  const unfits: readonly (readonly [isSo: boolean, why: string])[] = [
    [node.metadata.deletionTimestamp !== undefined, 'is being deleted'],
    [node.spec?.unschedulable === true, 'is cordoned'],
    [!isReady(node), 'is not Ready'],
  ]
  return { labels: node.metadata.labels ?? {}, unfit: unfits.find(([isSo]) => isSo)?.[1] }
}
