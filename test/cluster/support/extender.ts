import { mkdir, writeFile } from 'node:fs/promises'
import { join, relative, resolve } from 'node:path'
import { execa } from 'execa'
import type { Lab } from '../../lab/lab.ts'
import { isPodReady, type PodObject } from '../../lab/loam/agent-pods.ts'
import { applyManifests } from '../../lab/loam/install.ts'
import { waitFor } from '../../lab/runtime/wait.ts'

const ROOT = resolve(import.meta.dirname, '../../..')
const PODS = `/api/v1/namespaces/loam-system/pods?labelSelector=${encodeURIComponent('app.kubernetes.io/component=scheduler')}`
const SECRET_NAME = 'loam-scheduler-tls'

/** The extender of one replica, as KubeSchedulerConfiguration names it. */
export interface InstalledExtender {
  /** HOST:PORT of the replica: nothing routes Services in the lab. */
  readonly address: string
  /** What scripts/certificates made. */
  readonly certificates: string
  readonly config: { readonly tlsConfig: Readonly<Record<string, string>> } & Readonly<
    Record<string, unknown>
  >
  /** Kills the program of the replica; its container starts anew, at the same address. */
  readonly crash: () => Promise<void>
  /** As it was before. */
  readonly remove: () => Promise<void>
}

/** @throws Error with what kubectl says when it does not end with status 0. */
export const kubectl = async (lab: Lab, argv: readonly string[]): Promise<void> => {
  const { exitCode, stderr } = await lab.kubectl(argv)
  if (exitCode !== 0) throw new Error(`kubectl ${argv.join(' ')}: ${stderr}`)
}

const NAMESPACE = '--namespace=loam-system'

/** A Secret of Loam's namespace with the files of a folder that scripts/certificates made. */
export const createTlsSecret = (lab: Lab, name: string, folder: string): Promise<void> => {
  const files = ['tls.crt', 'tls.key', 'ca.crt'].map((file) => `--from-file=${join(folder, file)}`)
  return kubectl(lab, ['create', 'secret', 'generic', name, NAMESPACE, ...files])
}

export const deleteTlsSecret = (lab: Lab, name: string): Promise<void> =>
  kubectl(lab, ['delete', 'secret', name, NAMESPACE])

interface ContainerPort {
  readonly spec: {
    readonly containers: readonly { readonly ports?: readonly { readonly name?: string }[] }[]
  }
}

const servesExtender = ({ spec }: ContainerPort): boolean =>
  spec.containers.some(({ ports = [] }) => ports.some(({ name }) => name === 'extender'))

/** Both replicas are there, with the extender or without. */
const waitForReplicas = (lab: Lab, withExtender: boolean): Promise<readonly PodObject[]> => {
  const what = `two replicas of loam-scheduler ${withExtender ? 'with' : 'without'} the extender`
  return waitFor({ what, timeoutMs: 240_000 }, async () => {
    const pods = await lab.api.list<PodObject & ContainerPort>(PODS)
    const fitting = pods.filter((pod) => isPodReady(pod) && servesExtender(pod) === withExtender)
    return pods.length === 2 && fitting.length === 2 && fitting
  })
}

/** Applies daemonset/ with components of it, and what else `extra` says to kustomize. */
export const applyComponents = async (
  lab: Lab,
  names: readonly string[],
  extra: object = {},
): Promise<void> => {
  const overlay = join(lab.directory.root, `with-${names.join('-')}`)
  await mkdir(overlay, { recursive: true })
  const daemonset = relative(overlay, join(ROOT, 'daemonset'))
  const components = names.map((name) => `${daemonset}/${name}`)
  const kustomization = JSON.stringify({ resources: [daemonset], components, ...extra })
  await writeFile(join(overlay, 'kustomization.yaml'), kustomization)
  await kubectl(lab, ['apply', '--kustomize', overlay])
}

/** As docs/scheduling.md says: certificates, their Secret, and the component. */
export const installExtender = async (lab: Lab): Promise<InstalledExtender> => {
  const certificates = join(lab.directory.root, 'extender-certificates')
  await execa(join(ROOT, 'scripts/certificates'), [certificates])
  await createTlsSecret(lab, SECRET_NAME, join(certificates, 'server'))
  await applyComponents(lab, ['extender'])
  const [replica] = await waitForReplicas(lab, true)
  const client = (name: string): string => join(certificates, 'client', name)
  const address = `${replica?.status.podIP ?? ''}:9443`
  return {
    ...{ address, certificates },
    crash: async () => {
      const vm = await lab.vm(replica?.spec.nodeName ?? '')
      await vm.run(['pkill', '-KILL', '-f', '/app/scheduler\\.cjs$'])
    },
    config: {
      urlPrefix: `https://${address}`,
      ...{ filterVerb: 'filter', prioritizeVerb: 'prioritize', weight: 1, nodeCacheCapable: true },
      // the first answer of a program that has just started in a busy VM takes longer than what is installed (250 ms)
      ...{ ignorable: true, httpTimeout: '20s', enableHTTPS: true },
      tlsConfig: {
        serverName: 'loam-scheduler.loam-system.svc',
        ...{ certFile: client('tls.crt'), keyFile: client('tls.key'), caFile: client('ca.crt') },
      },
    },
    remove: async () => {
      await applyManifests(lab)
      await kubectl(lab, ['delete', 'service', 'loam-scheduler', '--namespace=loam-system'])
      await deleteTlsSecret(lab, SECRET_NAME)
      await waitForReplicas(lab, false)
    },
  }
}
