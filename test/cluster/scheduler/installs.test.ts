import { readFile, writeFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { expect } from 'chai'
import { parse } from 'yaml'
import { isWholeSet } from '../../faults/extent.ts'
import { loadImage } from '../../lab/images/load.ts'
import type { Lab } from '../../lab/lab.ts'
import { kubeconfigOf } from '../../lab/runtime/directory.ts'
import { createClaim } from '../support/claims.ts'
import {
  applyComponents,
  createTlsSecret,
  deleteTlsSecret,
  installExtender,
  kubectl,
  type InstalledExtender,
} from '../support/extender.ts'
import { leaveFree } from '../support/leave-free.ts'
import { createNamespace, deleteNamespace } from '../support/namespace.ts'
import { createPod, deletePod, waitForNodeOf, waitForRefusal } from '../support/pods.ts'
import { writeSchedulerImage } from '../support/scheduler-image.ts'
import { restartMainScheduler } from '../support/scheduler-processes.ts'
import { selectionsIn } from '../support/selections.ts'
import { sharedLab } from '../support/shared-lab.ts'
import { createClass, removeClass, waitForClass, type TestClass } from '../support/storage-class.ts'

const PAGE = resolve(import.meta.dirname, '../../../docs/scheduling.md')
const COMPONENT = resolve(import.meta.dirname, '../../../daemonset/second-scheduler')
const SYSTEM = '--namespace=loam-system'
const DEPLOYMENT = 'deployment/loam-kube-scheduler'

interface Configuration {
  clientConnection: { kubeconfig: string }
  leaderElection: { leaderElect: boolean }
  readonly extenders: [{ urlPrefix: string; httpTimeout: string; tlsConfig: Record<string, string> }]
}

/** The configuration that people are told to write, with this lab's files and addresses. */
const documented = async (lab: Lab, { address, certificates }: InstalledExtender): Promise<object> => {
  const blocks = [...(await readFile(PAGE, 'utf8')).matchAll(/```yaml\n([\s\S]*?)```/g)]
  const text = blocks.map(([, block = '']) => block).find((block) => block.includes('SchedulerConfiguration'))
  const local = (text ?? '')
    .replace('https://ADDRESS', `https://${address}`)
    .replaceAll('/etc/kubernetes/loam/', `${join(certificates, 'client')}/`)
    .replace('/etc/kubernetes/scheduler.conf', kubeconfigOf(lab.directory, 'scheduler'))
  expect(local).not.to.include('/etc/kubernetes')
  const configuration = parse(local) as Configuration
  // there is one only, and the first answer in a busy VM takes its time
  configuration.leaderElection.leaderElect = false
  configuration.extenders[0].httpTimeout = '20s'
  return configuration
}

const installs = function (this: Mocha.Suite): void {
  this.timeout(1_200_000)
  let lab: Lab
  let namespace: string
  let storageClass: TestClass
  let extender: InstalledExtender

  before(async () => {
    lab = await sharedLab()
    namespace = await createNamespace(lab)
    const disks = { node1: ['a'], node2: ['a'], node3: ['a'] }
    storageClass = await createClass(lab, { name: 'installs', disks })
    await waitForClass(lab, storageClass)
    await leaveFree(lab, storageClass, { node1: 12, node2: 12, node3: 64 })
    extender = await installExtender(lab)
  })
  after(async () => {
    await deleteNamespace(lab, namespace)
    await removeClass(lab, storageClass)
    await extender.remove()
  })

  const podOfTwo = async (name: string, size: string, schedulerName?: string): Promise<void> => {
    const claims = ['a', 'b'].map((letter) => `${name}-${letter}`)
    const common = { namespace, storageClass: storageClass.name, volumeMode: 'Block' } as const
    await Promise.all(claims.map((claim) => createClaim(lab, { ...common, name: claim, size })))
    const scheduler = schedulerName === undefined ? {} : { schedulerName }
    await createPod(lab, { namespace, name, blockClaims: claims, isNeverStarted: true, ...scheduler })
  }
  /** Each claim fits on some node alone: the sum is the extender's. */
  const expectAsked = async (prefix: string, schedulerName?: string): Promise<void> => {
    const { writes } = await selectionsIn(lab, namespace)
    await podOfTwo(`${prefix}-large`, '40Mi', schedulerName)
    await waitForRefusal(lab, namespace, `${prefix}-large`, /2 volumes of 80 MiB to make/)
    expect((await selectionsIn(lab, namespace)).writes, 'no node was tried').to.equal(writes)
    // a scheduler that does not ask would try one node after another
    await deletePod(lab, namespace, `${prefix}-large`)
    await podOfTwo(`${prefix}-small`, '8Mi', schedulerName)
    expect(await waitForNodeOf(lab, namespace, `${prefix}-small`)).to.equal('node3')
    expect((await selectionsIn(lab, namespace)).removals).to.equal(0)
  }

  it('the main scheduler asks Loam, with the configuration of docs/scheduling.md', async () => {
    const file = join(lab.directory.controlPlane, 'with-extender.json')
    await writeFile(file, JSON.stringify(await documented(lab, extender)))
    await restartMainScheduler(lab, file)
    try {
      await expectAsked('main')
    } finally {
      await restartMainScheduler(lab)
    }
  })

  it('the second scheduler runs as its component has it, and asks Loam', async () => {
    const image = 'docker.io/test/kube-scheduler'
    await loadImage(lab, await writeSchedulerImage(`${image}:v1`, lab.directory.root))
    const secret = 'loam-scheduler-client'
    await createTlsSecret(lab, secret, join(extender.certificates, 'client'))
    try {
      await applyComponents(lab, ['extender', 'second-scheduler'], {
        images: [{ name: 'kube-scheduler', newName: image, newTag: 'v1' }],
        // nothing routes Services in the lab, and no DNS server knows them
        patches: [{ target: { kind: 'ConfigMap', name: 'loam-kube-scheduler' }, patch: await addressed() }],
      })
      await kubectl(lab, ['rollout', 'status', DEPLOYMENT, SYSTEM, '--timeout=240s'])
      await expectAsked('second', 'loam')
    } finally {
      const files = ['rbac', 'configuration', 'deployment'].map((name) => join(COMPONENT, `${name}.yaml`))
      await kubectl(lab, ['delete', ...files.flatMap((file) => ['--filename', file])])
      await deleteTlsSecret(lab, secret)
    }
  })

  /** A patch: the installed configuration with the replica's address, and the name that its certificate is for. */
  const addressed = async (): Promise<string> => {
    const { data } = parse(await readFile(join(COMPONENT, 'configuration.yaml'), 'utf8')) as {
      data: Record<string, string>
    }
    const configuration = parse(data['configuration.yaml'] ?? '') as Configuration
    const [config] = configuration.extenders
    config.tlsConfig.serverName = new URL(config.urlPrefix).hostname
    config.urlPrefix = `https://${extender.address}`
    config.httpTimeout = '20s'
    const value = JSON.stringify(configuration)
    return JSON.stringify([{ op: 'replace', path: '/data/configuration.yaml', value }])
  }
}

// with LOAM_FAULTS=all: it takes minutes to have kube-scheduler as a pod on every node
if (isWholeSet) describe('scheduler: both ways of docs/scheduling.md to install the extender', installs)
