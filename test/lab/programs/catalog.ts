/** The Go programs of the lab. Versions are pinned by the go.mod and go.sum of the folder each is built in. */
export interface GoModule {
  /** Folder beside this file. */
  readonly folder: string
  /** Programs built from it, by package path. */
  readonly packages: Readonly<Record<string, string>>
  /** Variables set at link time (`-X name=value`). */
  readonly linkerVariables: Readonly<Record<string, string>>
}

const KUBERNETES_VERSION = '1.36.3'
const [MAJOR = '', MINOR = ''] = KUBERNETES_VERSION.split('.')
const KUBERNETES_VERSION_PACKAGE = 'k8s.io/component-base/version'

// Unset, every Kubernetes program calls itself v0.0.0-master and clients refuse to talk to it.
const kubernetesVersionVariables = {
  [`${KUBERNETES_VERSION_PACKAGE}.gitVersion`]: `v${KUBERNETES_VERSION}`,
  [`${KUBERNETES_VERSION_PACKAGE}.gitMajor`]: MAJOR,
  [`${KUBERNETES_VERSION_PACKAGE}.gitMinor`]: MINOR,
}

const SNAPSHOTTER = 'github.com/kubernetes-csi/external-snapshotter/v8/cmd'
const CONTAINERD = 'github.com/containerd/containerd/v2/cmd'

export const MODULES: readonly GoModule[] = [
  {
    folder: 'kubernetes',
    packages: {
      'kube-apiserver': 'k8s.io/kubernetes/cmd/kube-apiserver',
      'kube-controller-manager': 'k8s.io/kubernetes/cmd/kube-controller-manager',
      'kube-scheduler': 'k8s.io/kubernetes/cmd/kube-scheduler',
      kubelet: 'k8s.io/kubernetes/cmd/kubelet',
      kubectl: 'k8s.io/kubernetes/cmd/kubectl',
    },
    linkerVariables: kubernetesVersionVariables,
  },
  { folder: 'etcd', packages: { etcd: 'go.etcd.io/etcd/server/v3' }, linkerVariables: {} },
  {
    folder: 'containerd',
    packages: {
      containerd: `${CONTAINERD}/containerd`,
      'containerd-shim-runc-v2': `${CONTAINERD}/containerd-shim-runc-v2`,
      ctr: `${CONTAINERD}/ctr`,
    },
    linkerVariables: {},
  },
  {
    folder: 'csi-test',
    packages: { 'csi-sanity': 'github.com/kubernetes-csi/csi-test/v5/cmd/csi-sanity' },
    linkerVariables: {},
  },
  {
    folder: 'external-snapshotter',
    packages: {
      'snapshot-controller': `${SNAPSHOTTER}/snapshot-controller`,
      'csi-snapshotter': `${SNAPSHOTTER}/csi-snapshotter`,
    },
    linkerVariables: {},
  },
]

/** What every lab needs; anything else is built when it is asked for by name. */
export const LAB_PROGRAMS = [
  'etcd',
  'kube-apiserver',
  'kube-controller-manager',
  'kube-scheduler',
  'kubelet',
  'kubectl',
  'containerd',
  'containerd-shim-runc-v2',
  'ctr',
] as const
