import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { DNS_SERVICE_ADDRESS, podRangeOf } from '../addresses.ts'
import { PAUSE_IMAGE } from '../images/names.ts'

export interface NodeConfiguration {
  readonly folder: string
  /** Number of the node, from 1: picks its pods' addresses. */
  readonly number: number
  readonly certificateAuthority: string
}

const containerdConfig = (folder: string): string => `version = 3
root = "/var/lib/containerd"
state = "/run/containerd"
[grpc]
  address = "/run/containerd/containerd.sock"
[plugins.'io.containerd.cri.v1.images']
  snapshotter = "overlayfs"
[plugins.'io.containerd.cri.v1.images'.pinned_images]
  sandbox = "${PAUSE_IMAGE}"
[plugins.'io.containerd.cri.v1.runtime'.cni]
  bin_dirs = ["/usr/lib/cni"]
  conf_dir = "${join(folder, 'cni')}"
`

/** Pods reach everything by routes, so nothing is masqueraded and a Service sees the pod's own address. */
const networkConfig = (number: number): object => ({
  cniVersion: '1.0.0',
  name: 'lab',
  plugins: [
    {
      type: 'bridge',
      bridge: 'cni0',
      isGateway: true,
      ipMasq: false,
      hairpinMode: true,
      ipam: { type: 'host-local', subnet: podRangeOf(number), routes: [{ dst: '0.0.0.0/0' }] },
    },
  ],
})

const kubeletConfig = (certificateAuthority: string): object => ({
  apiVersion: 'kubelet.config.k8s.io/v1beta1',
  kind: 'KubeletConfiguration',
  authentication: {
    anonymous: { enabled: false },
    webhook: { enabled: true },
    x509: { clientCAFile: certificateAuthority },
  },
  authorization: { mode: 'Webhook' },
  containerRuntimeEndpoint: 'unix:///run/containerd/containerd.sock',
  cgroupDriver: 'cgroupfs',
  enforceNodeAllocatable: [],
  failSwapOn: false,
  evictionHard: { 'memory.available': '50Mi' },
  // No registry is reachable: an image that is collected could not be fetched again.
  imageGCHighThresholdPercent: 100,
  makeIPTablesUtilChains: false,
  // Without it every pod gets a warning event, although the lab has no DNS server.
  clusterDNS: [DNS_SERVICE_ADDRESS],
  clusterDomain: 'cluster.local',
  nodeStatusUpdateFrequency: '5s',
  // The default of both is a minute, which tests of kubelet's figures and of growing volumes would wait for.
  volumeStatsAggPeriod: '10s',
  syncFrequency: '10s',
})

/** Writes what containerd, CNI and kubelet of a node read. */
export const writeNodeConfiguration = async (node: NodeConfiguration): Promise<void> => {
  const { folder, number, certificateAuthority } = node
  const files: Readonly<Record<string, string>> = {
    'containerd.toml': containerdConfig(folder),
    'cni/10-lab.conflist': JSON.stringify(networkConfig(number)),
    'kubelet.json': JSON.stringify(kubeletConfig(certificateAuthority)),
  }
  await mkdir(join(folder, 'cni'), { recursive: true })
  for (const [name, content] of Object.entries(files)) await writeFile(join(folder, name), content)
}
