import type { NodeLocalStorage } from '../../../crd/types.ts'
import type { Lab } from '../../lab/lab.ts'
import type { KubeObject } from '../../lab/runtime/api.ts'
import { waitFor } from '../../lab/runtime/wait.ts'
import { diskById } from '../../lab/vm/disks.ts'

export interface TestClass {
  readonly name: string
  readonly volumeGroup: string
  /** Disks that the class lists, by node. */
  readonly disks: Readonly<Record<string, readonly string[]>>
}

export interface TestClassOptions {
  /** Lower-case letters and hyphens; also names the volume group. */
  readonly name: string
  /** Which disks of which nodes: `{ node1: ['a'] }`. With none it uses the group that `parameters` name. */
  readonly disks: Readonly<Record<string, readonly string[]>>
  readonly parameters?: Readonly<Record<string, string>>
  readonly reclaimPolicy?: 'Delete' | 'Retain'
  readonly bindingMode?: 'WaitForFirstConsumer' | 'Immediate'
  /** Values of the label `zone` that a node has to have one of. */
  readonly zones?: readonly string[]
}

const CLASSES = '/apis/storage.k8s.io/v1/storageclasses'
const REPORTS = '/apis/loam.storage/v1alpha1/nodelocalstorages'

/** Makes a StorageClass of Loam's on disks of the lab. */
export const createClass = async (lab: Lab, options: TestClassOptions): Promise<TestClass> => {
  const { name, parameters = {}, reclaimPolicy = 'Delete', bindingMode = 'WaitForFirstConsumer' } = options
  const { zones } = options
  const disks = Object.fromEntries(
    Object.entries(options.disks).map(([node, letters]) => [
      node,
      letters.map((letter) => diskById(node, letter)),
    ]),
  )
  const listed = Object.entries(disks).map(([node, paths]) => ({ nodes: [node], disks: paths }))
  await lab.api.json({
    method: 'POST',
    path: CLASSES,
    body: {
      metadata: { name },
      provisioner: 'loam.storage',
      volumeBindingMode: bindingMode,
      allowVolumeExpansion: true,
      ...(zones === undefined
        ? {}
        : { allowedTopologies: [{ matchLabelExpressions: [{ key: 'zone', values: zones }] }] }),
      reclaimPolicy,
      parameters: { ...(listed.length === 0 ? {} : { disks: JSON.stringify(listed) }), ...parameters },
    },
  })
  return { name, volumeGroup: parameters.volumeGroup ?? `loam-${name}`, disks }
}

/** What Loam reports about the class, a NodeLocalStorage for each node that has one. */
export const reportsOf = async (lab: Lab, storageClassName: string): Promise<readonly NodeLocalStorage[]> =>
  (await lab.api.list<NodeLocalStorage>(REPORTS)).filter(
    ({ spec }) => spec.storageClassName === storageClassName,
  )

export const isReady = (report: NodeLocalStorage): boolean =>
  report.status?.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True') === true

/** The report of one node once `wanted` accepts it. */
export const waitForReport = (
  lab: Lab,
  where: { readonly storageClass: string; readonly node: string; readonly what: string },
  wanted: (report: NodeLocalStorage) => boolean,
): Promise<NodeLocalStorage> => {
  const find = async () =>
    (await reportsOf(lab, where.storageClass)).find(({ spec }) => spec.nodeName === where.node)
  const describe = async () => JSON.stringify((await find())?.status)
  const what = `NodeLocalStorage of class ${where.storageClass} on ${where.node}: ${where.what}`
  return waitFor({ what, timeoutMs: 240_000, describe }, async () => {
    const report = await find()
    return report !== undefined && wanted(report) && report
  })
}

/** The class's group is ready on every node that it lists. */
export const waitForClass = async (lab: Lab, storageClass: TestClass): Promise<void> => {
  for (const node of Object.keys(storageClass.disks)) {
    await waitForReport(lab, { storageClass: storageClass.name, node, what: 'Ready' }, isReady)
  }
}

interface CapacityObject extends KubeObject {
  readonly storageClassName: string
  readonly nodeTopology: { readonly matchLabels: Readonly<Record<string, string>> }
  readonly maximumVolumeSize: string
}

/** What kube-scheduler is told, by node. */
export const capacitiesOf = async (
  lab: Lab,
  storageClassName: string,
): Promise<Readonly<Record<string, string>>> => {
  const all = await lab.api.list<CapacityObject>('/apis/storage.k8s.io/v1/csistoragecapacities')
  return Object.fromEntries(
    all
      .filter((object) => object.storageClassName === storageClassName)
      .map((object) => [
        object.nodeTopology.matchLabels['topology.loam.storage/node'] ?? '',
        object.maximumVolumeSize,
      ]),
  )
}

/** Removes the group from the disks and makes them read as zeros: what blank means. */
const blankDisks = async (lab: Lab, node: string, group: string, disks: readonly string[]): Promise<void> => {
  const script =
    'vgs "$1" >/dev/null 2>&1 && vgremove -qq -f "$1"; shift; for disk; do blkdiscard -f "$disk" || exit; done'
  await (await lab.vm(node)).run(['bash', '-c', script, 'blank', group, ...disks])
}

/** Removes the class, what Loam reports of it, and its groups from the disks, so that the next test finds them blank. */
export const removeClass = async (lab: Lab, storageClass: TestClass): Promise<void> => {
  await lab.api.send({ method: 'DELETE', path: `${CLASSES}/${storageClass.name}` })
  for (const [node, disks] of Object.entries(storageClass.disks))
    await blankDisks(lab, node, storageClass.volumeGroup, disks)
  for (const report of await reportsOf(lab, storageClass.name)) {
    await lab.api.send({ method: 'DELETE', path: `${REPORTS}/${report.metadata.name ?? ''}` })
  }
  const what = `capacity of class ${storageClass.name} to be withdrawn`
  await waitFor(
    { what, timeoutMs: 240_000 },
    async () => Object.keys(await capacitiesOf(lab, storageClass.name)).length === 0,
  )
}
