import type { NodeLocalStorage } from '../crd/types.ts'
import type { OtherList } from '../lvm/types.ts'
import type { Problem } from './class-on-node.ts'

const pathsOf = ({ spec }: NodeLocalStorage): string[] => (spec.disks ?? []).map(({ path }) => path).sort()
const describe = (report: NodeLocalStorage): string =>
  `${report.metadata.name ?? ''} lists ${pathsOf(report).join(', ')}`

/**
 * Several classes may share one group. Those that list disks for it must list the same ones: otherwise a disk that one
 * of them has dropped would be closed and opened in turn. Undefined when they agree.
 */
export const differingLists = (
  report: NodeLocalStorage,
  others: readonly NodeLocalStorage[],
): Problem | undefined => {
  const listing = others.filter(
    (other) => other.spec.volumeGroup === report.spec.volumeGroup && pathsOf(other).length > 0,
  )
  const own = JSON.stringify(pathsOf(report))
  const different = listing.filter((other) => JSON.stringify(pathsOf(other)) !== own)
  if (different.length === 0) return undefined
  const message =
    `volume group "${report.spec.volumeGroup}" is shared, and its disks are listed differently: ` +
    `${[report, ...different].map(describe).join('; ')}. No disk joins it and none is closed until the lists are ` +
    'the same (kubectl edit nls)'
  return { reason: 'ListsDiffer', message }
}

/** Disks that this node's other groups list. */
export const otherLists = (report: NodeLocalStorage, all: readonly NodeLocalStorage[]): OtherList[] =>
  all
    .filter((other) => other.spec.volumeGroup !== report.spec.volumeGroup && pathsOf(other).length > 0)
    .map((other) => ({ groupName: other.spec.volumeGroup, paths: pathsOf(other) }))
