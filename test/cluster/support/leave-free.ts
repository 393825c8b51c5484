import type { Lab } from '../../lab/lab.ts'
import { waitFor } from '../../lab/runtime/wait.ts'
import { capacitiesOf, reportsOf, type TestClass } from './storage-class.ts'

/** Of the lab's groups. */
const EXTENT_MIB = 4

/** Loam tells kube-scheduler and people that so many MiB are left for a volume of the class, node by node. */
export const waitForFree = async (
  lab: Lab,
  storageClass: TestClass,
  mib: Readonly<Record<string, number>>,
): Promise<void> => {
  const describe = async (): Promise<string> => JSON.stringify(await capacitiesOf(lab, storageClass.name))
  const what = `class ${storageClass.name} to have ${JSON.stringify(mib)} MiB left`
  await waitFor({ what, timeoutMs: 240_000, describe }, async () => {
    const capacities = await capacitiesOf(lab, storageClass.name)
    const reports = await reportsOf(lab, storageClass.name)
    // the one may come a second before the other
    const reported = Object.fromEntries(
      reports.map(({ spec, status }) => [spec.nodeName, status?.volumeGroup?.largestVolume]),
    )
    return Object.entries(mib).every(
      ([node, each]) => capacities[node] === `${each}Mi` && reported[node] === `${each}Mi`,
    )
  })
}

/**
 * Leaves so much free in the group of a class, on each of its nodes or node by node, and waits until Loam says so. The rest
 * is taken by a volume made by hand: full groups are had without volumes of that size, which take minutes to be erased. It
 * goes with the group.
 */
export const leaveFree = async (
  lab: Lab,
  storageClass: TestClass,
  mib: number | Readonly<Record<string, number>>,
): Promise<void> => {
  const mibOn = (node: string): number => (typeof mib === 'number' ? mib : (mib[node] ?? 0))
  const script =
    'free=$(vgs --noheadings -o vg_free_count "$1") && lvcreate -qan -Zn -Wn -l$((free - $2)) -nballast "$1"'
  const nodes = Object.keys(storageClass.disks)
  for (const node of nodes) {
    const vm = await lab.vm(node)
    await vm.run([
      'bash',
      '-c',
      script,
      'ballast',
      storageClass.volumeGroup,
      String(mibOn(node) / EXTENT_MIB),
    ])
  }
  await waitForFree(lab, storageClass, Object.fromEntries(nodes.map((node) => [node, mibOn(node)])))
}

/** Ends what leaveFree did on a node: its group has room again. */
export const freeAgain = async (lab: Lab, { volumeGroup }: TestClass, node: string): Promise<void> => {
  const vm = await lab.vm(node)
  await vm.run(['lvremove', '--yes', `${volumeGroup}/ballast`])
}
