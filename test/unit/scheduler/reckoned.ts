import type { NodeLocalStorage } from '../../../crd/types.ts'
import type { ClaimView } from '../../../kube/claim-view.ts'
import type { ClassView } from '../../../kube/class-view.ts'
import { Extender } from '../../../scheduler/extender.ts'
import { filterResultText, type ExtenderPod, type FilterResult } from '../../../scheduler/extender-wire.ts'
import type { NodeView } from '../../../scheduler/node-view.ts'
import type { RefusalReason } from '../../../scheduler/pod-fit.ts'
import { startReckoning, type Reckoning } from '../../../scheduler/reckoning.ts'
import type { VolumeView } from '../../../scheduler/volume-view.ts'
import { classOf, copyOf, reportOf, type Copy } from './fixture.ts'

/** A class whose claims wait for their pod. */
export const waiting = (name: string, parameters: Record<string, string> = {}, other = {}): ClassView =>
  classOf({
    ...{ metadata: { name, uid: `class-${name}` }, volumeBindingMode: 'WaitForFirstConsumer' },
    parameters: { volumeGroup: 'loam-fast', ...parameters },
    ...other,
  })

/** A pod with these claims, of namespace shop. */
export const podWith = (name: string, ...claims: string[]): ExtenderPod => ({
  metadata: { namespace: 'shop', name, uid: `pod-${name}` },
  spec: {
    volumes: [
      { name: 'settings' },
      ...claims.map((claimName) => ({ name: claimName, persistentVolumeClaim: { claimName } })),
    ],
  },
})

/** Local copies of a cluster, and the extender over them. */
export interface Cluster extends Reckoning {
  readonly claims: Copy<ClaimView>
  readonly classes: Copy<ClassView>
  readonly nodes: Copy<NodeView>
  readonly reports: Copy<NodeLocalStorage>
  readonly volumes: Copy<VolumeView>
  readonly extender: Extender
  readonly refused: RefusalReason[]
  readonly filter: (pod: ExtenderPod, ...nodeNames: string[]) => FilterResult
  readonly scores: (pod: ExtenderPod, ...nodeNames: string[]) => Readonly<Record<string, number>>
}

/** With the class fast, and a node for each size of `roomOnNodes`. */
export const clusterOf = (roomOnNodes: Readonly<Record<string, string>>): Cluster => {
  const names = Object.keys(roomOnNodes)
  const stores = {
    claims: copyOf<ClaimView>(),
    classes: copyOf({ fast: waiting('fast') }),
    nodes: copyOf<NodeView>(
      Object.fromEntries(names.map((name) => [name, { labels: {}, unfit: undefined }])),
    ),
    reports: copyOf(Object.fromEntries(names.map((name) => [name, reportOf(name, roomOnNodes[name] ?? '')]))),
    volumes: copyOf<VolumeView>(),
  }
  const reckoning = startReckoning(stores)
  const refused: RefusalReason[] = []
  const extender = new Extender({
    ...reckoning,
    claim: (key) => stores.claims.get(key),
    storageClass: (name) => stores.classes.get(name),
    node: (name) => stores.nodes.get(name),
    refused: (reason) => refused.push(reason),
  })
  return {
    ...stores,
    ...reckoning,
    ...{ extender, refused },
    filter: (pod, ...nodeNames) => {
      const found = extender.filter({ pod, nodeNames: nodeNames.length > 0 ? nodeNames : names })
      return JSON.parse(filterResultText(found)) as FilterResult
    },
    scores: (pod, ...nodeNames) =>
      Object.fromEntries(
        extender
          .prioritize({ pod, nodeNames: nodeNames.length > 0 ? nodeNames : names })
          .map(({ Host, Score }) => [Host, Score]),
      ),
  }
}
