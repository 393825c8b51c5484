import type { NodeLocalStorage } from '../../../crd/types.ts'
import { claimOf, reportOf } from '../../unit/scheduler/fixture.ts'
import { clusterOf, podWith, type Cluster } from '../../unit/scheduler/reckoned.ts'
import type { ExtenderPod } from '../../../scheduler/extender-wire.ts'

export interface Size {
  readonly nodes: number
  /** That wait for a node; one of a hundred has one already. */
  readonly claims: number
  readonly podClaims: number
}

export const nodeNames = (count: number): string[] =>
  Array.from({ length: count }, (_, at) => `node-${String(at).padStart(5, '0')}.example.com`)

/** Claims of the pod that is asked about. */
const claimsOfPod = (count: number): string[] => Array.from({ length: count }, (_, at) => `data-${at}`)

export const askingPod = ({ podClaims }: Size): ExtenderPod => podWith('db', ...claimsOfPod(podClaims))

/** Half of the nodes have no room for the pod. */
const reportFor = (nodeName: string, at: number, version: number): NodeLocalStorage => {
  const { metadata, spec, status } = reportOf(nodeName, at % 2 === 0 ? '100Gi' : '10Mi')
  return { metadata: { ...metadata, resourceVersion: String(version) }, spec, status: status ?? {} }
}

/** The local copies of a large cluster, in which something changes all the while. */
export const largeCluster = (size: Size): { readonly cluster: Cluster; readonly change: () => void } => {
  const names = nodeNames(size.nodes)
  const cluster = clusterOf({})
  names.forEach((name, at) => {
    cluster.nodes.put(name, { labels: { zone: 'a' }, unfit: undefined })
    cluster.reports.put(name, reportFor(name, at, 1))
  })
  const put = (name: string, selectedNode: string | undefined): void => {
    const claim = claimOf('16Mi', { namespace: 'shop', name, uid: `uid-${name}`, resourceVersion: '7' })
    cluster.claims.put(`shop/${name}`, { ...claim, selectedNode })
  }
  for (const name of claimsOfPod(size.podClaims)) put(name, undefined)
  for (let at = 0; at < size.claims; at += 1)
    put(`waiting-${at}`, at % 100 === 0 ? names[at % names.length] : undefined)
  let version = 1
  const change = (): void => {
    version += 1
    cluster.refused.length = 0
    const at = version % names.length
    const name = names[at] ?? ''
    cluster.reports.put(name, reportFor(name, at, version))
  }
  return { cluster, change }
}
