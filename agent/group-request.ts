import type { NodeLocalStorage } from '../crd/types.ts'
import type { EnsureGroupRequest, GroupMark } from '../lvm/types.ts'
import { differingLists, otherLists } from './disk-lists.ts'
import { listedDisk, recordedDisks } from './disk-status.ts'

/** Set by a person to go on with metadata that went back in time; the value is the ticket that the message names. */
export const ACCEPT_METADATA = 'loam.storage/accept-metadata'

const nameOf = (report: NodeLocalStorage): string => report.metadata.name ?? ''

const markIn = (report: NodeLocalStorage): { expectedMark?: GroupMark } => {
  const known = report.status?.volumeGroup
  return known === undefined ? {} : { expectedMark: { seqno: known.seqno, digest: known.digest } }
}

/**
 * What is asked of lvm/ for the group of a class: what its NodeLocalStorage wants, and what was written down there
 * before. `others` are the other objects of this node: some share the group, and a person may answer on any of those;
 * the others say which disks are meant for other groups.
 */
export const groupRequestFor = (
  clusterId: string,
  report: NodeLocalStorage,
  others: readonly NodeLocalStorage[],
): EnsureGroupRequest => {
  const { volumeGroup: name, disks = [] } = report.spec
  const known = report.status?.volumeGroup
  const sameGroup = others.filter((other) => other.spec.volumeGroup === name)
  return {
    name,
    clusterId,
    disks: disks.map(listedDisk),
    recordedDisks: recordedDisks(report),
    otherLists: otherLists(report, others),
    keepDisks: differingLists(report, others) !== undefined,
    ...(known?.name === name ? { expectedGroupUuid: known.uuid, ...markIn(report) } : {}),
    acceptedStates: [report, ...sameGroup].flatMap(
      (each) => each.metadata.annotations?.[ACCEPT_METADATA] ?? [],
    ),
    acceptCommand: `kubectl annotate nls ${nameOf(report)} --overwrite ${ACCEPT_METADATA}=`,
  }
}
