import type { ClassesForClaims } from '../../agent/claim-tools.ts'
import type { ClassView } from '../../kube/class-view.ts'
import type { VolumeGroup } from '../../lvm/types.ts'

/** Classes of a node that all use one group, as controllers of claims see them. */
export const classesForClaims = (setting: {
  readonly find: (storageClassName: string) => ClassView | undefined
  readonly group: VolumeGroup | undefined
  /** Called when the capacity of a class is to be told. */
  readonly onPublish?: () => void
}): ClassesForClaims => ({
  find: setting.find,
  stateOf: (name) =>
    Promise.resolve({
      ...{ name, nodeUid: 'node-uid', generation: 1, disks: [], problem: undefined },
      ...{ storageClass: setting.find(name), group: setting.group },
    }),
  publish: () => {
    setting.onPublish?.()
    return Promise.resolve()
  },
  groupChanged: () => undefined,
  claimServed: () => undefined,
  setAside: () => undefined,
})
