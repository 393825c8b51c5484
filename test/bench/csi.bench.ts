import type { Bench } from './bench.ts'
import { requireFio } from './csi/fio-program.ts'
import { measureOnNode } from './csi/on-node.ts'
import { measurePodStarts } from './csi/pod-start.ts'

/** What the CSI service costs: on a node alone, and what a claim adds to the start of a pod. */
export const bench: Bench = async (context) => {
  await requireFio()
  const onNode = await measureOnNode(context)
  return [...onNode, ...(await measurePodStarts(context))]
}
