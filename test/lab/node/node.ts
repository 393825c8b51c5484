import { join } from 'node:path'
import { dirname } from 'node:path'
import { API_SERVER_URL, HOST_ADDRESS, nodeAddress } from '../addresses.ts'
import { makeNodeCertificate, writeKubeconfig } from '../control-plane/certificates.ts'
import type { Programs } from '../programs/build.ts'
import { kubeconfigOf, type LabDirectory } from '../runtime/directory.ts'
import type { LabState, NodeState } from '../runtime/state.ts'
import type { VmOptions } from '../vm/types.ts'
import { writeNodeConfiguration } from './configuration.ts'

const MIB = 1024 * 1024
const KUBELET_DRIVE_BYTES = 2048 * MIB
const MEMORY_MIB = 2048

type NodePrograms = Programs<'containerd' | 'containerd-shim-runc-v2' | 'ctr' | 'kubelet' | 'kubectl'>

export const tapOf = (node: NodeState): string => `tap${node.number}`

/** Folders of the programs in the form of PATH. The guest sees the host's files, so it needs no copy of them. */
const programFolders = (programs: Programs): string =>
  [...new Set(Object.values(programs).map((path) => dirname(path)))].join(':')

export interface NodeRequest {
  readonly directory: LabDirectory
  readonly node: NodeState
  readonly disks: LabState['disks']
  readonly programs: NodePrograms
  /** File with the images; see images/base-disk.ts. */
  readonly baseDisk: string
}

const configurationFolder = (directory: LabDirectory, node: string): string =>
  join(directory.share, `configuration-${node}`)

/** Credentials and configuration of one node. */
export const prepareNode = async ({ directory, node }: NodeRequest): Promise<void> => {
  const { pki } = directory
  await makeNodeCertificate(pki, node.name)
  const kubeconfig = { pki, certificate: node.name, server: API_SERVER_URL }
  await writeKubeconfig(kubeconfigOf(directory, node.name), kubeconfig)
  await writeNodeConfiguration({
    folder: configurationFolder(directory, node.name),
    number: node.number,
    certificateAuthority: join(pki, 'ca.crt'),
  })
}

/** /var/lib/kubelet and /var/lib/containerd are drives: kubelet finds its volumes again after a power cut. */
export const vmOptionsOf = ({ directory, node, disks, programs, baseDisk }: NodeRequest): VmOptions => {
  const root = directory.node(node.name)
  return {
    name: node.name,
    directory: root,
    memoryMiB: MEMORY_MIB,
    disks,
    drives: [
      { file: join(root, 'containerd.cow'), base: baseDisk, mount: '/var/lib/containerd' },
      { file: join(root, 'kubelet.ext4'), sizeBytes: KUBELET_DRIVE_BYTES, mount: '/var/lib/kubelet' },
    ],
    network: {
      namespace: directory.namespace,
      tap: tapOf(node),
      address: `${nodeAddress(node.number)}/24`,
      gateway: HOST_ADDRESS,
    },
    guestScript: join(import.meta.dirname, 'guest.sh'),
    environment: {
      LAB_NODE: node.name,
      LAB_ADDRESS: nodeAddress(node.number),
      LAB_CONFIG: configurationFolder(directory, node.name),
      LAB_KUBECONFIG: kubeconfigOf(directory, node.name),
      LAB_PROGRAMS: programFolders(programs),
    },
  }
}
