import type { ApiClient, KubeObject } from '../runtime/api.ts'
import { waitFor } from '../runtime/wait.ts'
import type { Vm } from '../vm/types.ts'

interface NodeObject extends KubeObject {
  readonly status: {
    readonly conditions?: readonly { readonly type: string; readonly status: string }[]
    readonly nodeInfo?: { readonly bootID: string }
  }
}

const findNode = (api: ApiClient, name: string): Promise<NodeObject | undefined> =>
  api.find<NodeObject>(`/api/v1/nodes/${name}`)

const readiness = (node: NodeObject | undefined): string =>
  node?.status.conditions?.find(({ type }) => type === 'Ready')?.status ?? 'absent'

/** Status of the node's Ready condition: `True`, `False`, `Unknown`, or `absent` when there is none yet. */
export const nodeReadiness = async (api: ApiClient, name: string): Promise<string> =>
  readiness(await findNode(api, name))

const READY_WITHIN_MS = 300_000

/**
 * Waits until kubelet of this boot says that the node is Ready. Without a look at the boot id, a node that was cut would
 * count as Ready for as long as nobody has noticed.
 */
export const waitForNode = async (api: ApiClient, vm: Vm): Promise<void> => {
  const bootId = (await vm.run(['cat', '/proc/sys/kernel/random/boot_id'])).trim()
  const options = {
    what: `node ${vm.name} to be Ready`,
    timeoutMs: READY_WITHIN_MS,
    describe: async () =>
      `Ready is ${await nodeReadiness(api, vm.name)}; see scripts/lab logs ${vm.name} kubelet`,
  }
  await waitFor(options, async () => {
    const node = await findNode(api, vm.name)
    return readiness(node) === 'True' && node?.status.nodeInfo?.bootID === bootId
  })
}
