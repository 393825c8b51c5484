import { expect } from 'chai'
import type { Lab } from '../../lab/lab.ts'
import type { KubeObject } from '../../lab/runtime/api.ts'
import { waitFor } from '../../lab/runtime/wait.ts'
import { createClaim, deleteClaim, findClaim, waitForNoPersistentVolume } from '../support/claims.ts'
import { createNamespace, deleteNamespace } from '../support/namespace.ts'
import { createPod, deletePod, execInPod, podManifest, waitForPod } from '../support/pods.ts'
import { sharedLab } from '../support/shared-lab.ts'
import { createClass, removeClass, waitForClass, type TestClass } from '../support/storage-class.ts'

const NODE = 'node2'
const SIZES = { ext4: '64Mi', xfs: '320Mi', btrfs: '128Mi' }
const FILE_SYSTEMS = ['ext4', 'xfs', 'btrfs'] as const

/** Appends numbers, one a line, each on the disk before the next. */
const COUNT = 'n=0; while :; do n=$((n+1)); echo $n >>/data/$0/log; sync; done'

describe('csi-node and a real kubelet', function () {
  this.timeout(1_200_000)
  let lab: Lab
  let namespace: string
  let classes: Readonly<Record<(typeof FILE_SYSTEMS)[number], TestClass>>

  before(async () => {
    lab = await sharedLab()
    namespace = await createNamespace(lab)
    const ext4 = await createClass(lab, { name: 'kubelet-ext4', disks: { [NODE]: ['a', 'b'] } })
    await waitForClass(lab, ext4)
    const sharing = (fileSystem: string): Promise<TestClass> =>
      createClass(lab, {
        ...{ name: `kubelet-${fileSystem}`, disks: {} },
        parameters: { volumeGroup: ext4.volumeGroup, 'csi.storage.k8s.io/fstype': fileSystem },
      })
    classes = { ext4, xfs: await sharing('xfs'), btrfs: await sharing('btrfs') }
  })
  after(async () => {
    await deleteNamespace(lab, namespace)
    await removeClass(lab, classes.xfs)
    await removeClass(lab, classes.btrfs)
    await removeClass(lab, classes.ext4)
  })

  const drop = async (...names: string[]): Promise<void> => {
    const volumes = await Promise.all(
      names.map(async (name) => {
        const volume = (await findClaim(lab, namespace, name))?.spec.volumeName ?? ''
        await deleteClaim(lab, namespace, name)
        return volume
      }),
    )
    for (const volume of volumes) await waitForNoPersistentVolume(lab, volume)
  }

  it('gives a pod its volumes of each file system and a block volume, and kubelet counts what they hold', async () => {
    for (const fileSystem of FILE_SYSTEMS) {
      const storageClass = classes[fileSystem].name
      await createClaim(lab, { namespace, name: fileSystem, storageClass, size: SIZES[fileSystem] })
    }
    const storageClass = classes.ext4.name
    await createClaim(lab, { namespace, name: 'raw', storageClass, size: '16Mi', volumeMode: 'Block' })
    const pod = { namespace, name: 'all', node: NODE, claims: FILE_SYSTEMS, blockClaims: ['raw'] }
    await createPod(lab, pod)
    await waitForPod(lab, namespace, 'all')
    const mounts = (await execInPod(lab, pod, ['cat', '/proc/mounts'])).split('\n')
    for (const fileSystem of FILE_SYSTEMS) {
      const [, , type, options] =
        mounts.find((line) => line.includes(`/data/${fileSystem} `))?.split(' ') ?? []
      expect(type).to.equal(fileSystem)
      expect(options?.split(',')).to.include.members(['nosuid', 'nodev'])
      await execInPod(lab, pod, ['sh', '-c', `echo kept >/data/${fileSystem}/file && sync`])
    }
    const write = 'echo raw >/tmp/x && dd if=/tmp/x of=/dev/raw conv=fsync 2>&1 && head -c 3 /dev/raw'
    expect(await execInPod(lab, pod, ['sh', '-c', write])).to.match(/raw$/)

    const bytesOf = async (): Promise<ReadonlyMap<string, number>> => {
      const metrics = await lab.api.send({ method: 'GET', path: `/api/v1/nodes/${NODE}/proxy/metrics` })
      const line = /^kubelet_volume_stats_capacity_bytes\{(.*)\} (\S+)/gm
      const found = [...metrics.body.matchAll(line)].flatMap(([, labels = '', value]) => {
        const claim = /persistentvolumeclaim="([^"]+)"/.exec(labels)?.[1]
        return claim !== undefined && labels.includes(`namespace="${namespace}"`)
          ? [[claim, Number(value)] as const]
          : []
      })
      return new Map(found)
    }
    const describeBytes = async () => JSON.stringify([...(await bytesOf())])
    const counted = await waitFor(
      { what: `kubelet of ${NODE} to count all volumes`, timeoutMs: 240_000, describe: describeBytes },
      async () => {
        const bytes = await bytesOf()
        return FILE_SYSTEMS.every((name) => bytes.has(name)) && bytes
      },
    )
    expect(counted.get('ext4')).to.be.within(48 * 2 ** 20, 64 * 2 ** 20)
    expect(counted.get('xfs')).to.be.within(240 * 2 ** 20, 320 * 2 ** 20)
    expect(counted.get('btrfs')).to.equal(128 * 2 ** 20)
    await deletePod(lab, namespace, 'all')
    await drop('raw', ...FILE_SYSTEMS)
  })

  it('lets go of a volume when its node is drained, and gives it back with all that was written', async () => {
    await createClaim(lab, { namespace, name: 'drained', storageClass: classes.ext4.name, size: '64Mi' })
    const { spec } = podManifest({ namespace, name: 'drained', claims: ['drained'] }) as KubeObject & {
      readonly spec: object
    }
    // without the toleration of everything that makes a pod of the tests stay
    const template = { metadata: { labels: { app: 'drained' } }, spec: { ...spec, tolerations: [] } }
    const path = `/apis/apps/v1/namespaces/${namespace}/statefulsets`
    await lab.api.json({
      ...{ method: 'POST', path },
      body: {
        metadata: { name: 'drained' },
        spec: {
          ...{ serviceName: 'drained', replicas: 1, template },
          selector: { matchLabels: template.metadata.labels },
        },
      },
    })
    const pod = { namespace, name: 'drained-0' }
    const before = await waitForPod(lab, namespace, pod.name)
    await execInPod(lab, pod, ['sh', '-c', 'echo kept >/data/drained/file'])
    try {
      const drain = ['drain', NODE, '--ignore-daemonsets', '--delete-emptydir-data', '--timeout=240s']
      const { exitCode, stderr } = await lab.kubectl([...drain, '--pod-selector', 'app=drained'])
      expect(exitCode, stderr).to.equal(0)
      const vm = await lab.vm(NODE)
      await waitFor({ what: 'the volume to be let go', timeoutMs: 240_000 }, async () => {
        const active = await vm.run(['lvs', '--noheadings', '-o', 'lv_active', classes.ext4.volumeGroup])
        return active.trim() === ''
      })
      const waiting = await lab.api.find<KubeObject & { readonly status: { readonly phase: string } }>(
        `/api/v1/namespaces/${namespace}/pods/${pod.name}`,
      )
      expect(waiting?.status.phase).to.equal('Pending')
    } finally {
      await lab.kubectl(['uncordon', NODE])
    }
    const after = await waitForPod(lab, namespace, pod.name)
    expect(after.metadata.uid).not.to.equal(before.metadata.uid)
    expect(await execInPod(lab, pod, ['cat', '/data/drained/file'])).to.equal('kept')
    await lab.api.send({ method: 'DELETE', path: `${path}/drained` })
    await deletePod(lab, namespace, pod.name)
    await drop('drained')
  })

  it('gives the volume of a pod that was deleted by force to the next one, with all that was synced', async () => {
    await createClaim(lab, { namespace, name: 'forced', storageClass: classes.ext4.name, size: '64Mi' })
    const writer = { namespace, name: 'writer', claims: ['forced'], command: ['sh', '-c', COUNT, 'forced'] }
    await createPod(lab, writer)
    await waitForPod(lab, namespace, 'writer')
    const countOf = async (pod: { namespace: string; name: string }): Promise<readonly string[]> =>
      (await execInPod(lab, pod, ['cat', '/data/forced/log'])).trim().split('\n')
    const synced = await waitFor({ what: 'numbers in the log', timeoutMs: 240_000 }, async () => {
      const lines = await countOf(writer)
      // the last one may not be on the disk yet
      return lines.length > 20 && lines.length - 1
    })
    const forced = ['delete', 'pod', 'writer', '--namespace', namespace, '--force', '--grace-period=0']
    expect((await lab.kubectl(forced)).exitCode).to.equal(0)
    const reader = { namespace, name: 'reader', claims: ['forced'] }
    await createPod(lab, reader)
    await waitForPod(lab, namespace, 'reader')
    const lines = await countOf(reader)
    expect(lines.length).to.be.at.least(synced)
    expect(lines).to.deep.equal(lines.map((_, index) => `${index + 1}`))
    await deletePod(lab, namespace, 'reader')
    await drop('forced')
  })
})
