import { execa } from 'execa'
import { API_SERVICE_ADDRESS, HOST_ADDRESS, nodeAddress, podRangeOf } from '../addresses.ts'
import type { LabDirectory } from '../runtime/directory.ts'
import type { NodeState } from '../runtime/state.ts'
import { createNetwork } from '../vm/network.ts'
import { tapOf } from './node.ts'

/** The namespace forwards between the nodes, so that pods, nodes and control plane reach each other. */
export const makeNetwork = async (
  { namespace }: LabDirectory,
  nodes: readonly NodeState[],
): Promise<void> => {
  await createNetwork({ namespace, bridgeAddress: `${HOST_ADDRESS}/24`, taps: nodes.map(tapOf) })
  const routes = nodes.map(({ number }) => `route add ${podRangeOf(number)} via ${nodeAddress(number)}`)
  const service = `addr add ${API_SERVICE_ADDRESS}/32 dev lo`
  await execa('ip', ['-n', namespace, '-batch', '-'], { input: [...routes, service].join('\n') })
  await execa('ip', ['netns', 'exec', namespace, 'sysctl', '-qw', 'net.ipv4.ip_forward=1'])
}
