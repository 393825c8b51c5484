import { waitFor } from '../../test/lab/runtime/wait.ts'
import { diskById } from '../../test/lab/vm/disks.ts'
import { claim, CLASS, NAMESPACE, pod, storageClass, VOLUME_GROUP } from './manifests.ts'
import { WAIT_MS, type Teller } from './teller.ts'

export interface Step {
  readonly title: string
  readonly tell: (teller: Teller) => Promise<void>
}

const IN_DEMO = ['--namespace', NAMESPACE]
const HOLD = ['pkill', '-STOP', '-f', '^[^ ]*node .*/agent\\.cjs$']
const GO_ON = ['pkill', '-CONT', '-f', '^[^ ]*node .*/agent\\.cjs$']
const LVS = ['lvs', '--noheadings', '-o', 'lv_name,lv_size,lv_tags', VOLUME_GROUP]

const phaseOf = async (teller: Teller, name: string): Promise<string> =>
  teller.ask('get', 'pod', name, ...IN_DEMO, '-o', 'jsonpath={.status.phase}')
const nodeOf = async (teller: Teller, name: string): Promise<string> =>
  teller.ask('get', 'pod', name, ...IN_DEMO, '-o', 'jsonpath={.spec.nodeName}')
const volumeOf = async (teller: Teller, name: string): Promise<string> =>
  teller.ask('get', 'pvc', name, ...IN_DEMO, '-o', 'jsonpath={.spec.volumeName}')
const reported = async (teller: Teller, path: string): Promise<string> =>
  teller.ask(
    'get',
    'nls',
    '-o',
    `jsonpath={range .items[?(@.spec.storageClassName=="${CLASS}")]}${path}{end}`,
  )

const waitUntilRunning = (teller: Teller, name: string): Promise<void> =>
  teller.until(`pod ${name} is Running`, async () => (await phaseOf(teller, name)) === 'Running')

/** The story in order; each step stands on the ones before it. */
export const STEPS: readonly Step[] = [
  {
    title: 'Somebody has data on a disk of node1',
    tell: async (teller) => {
      const disk = diskById('node1', 'b')
      await teller.onNode('node1', 'mkfs.ext4', '-q', '-L', 'precious', disk)
      const found = await teller.onNode('node1', 'blkid', '-p', disk)
      teller.expect(
        found.includes('LABEL="precious"'),
        'the disk has a file system with the label "precious"',
      )
    },
  },
  {
    title: 'An administrator lists disks in a StorageClass, that one too',
    tell: async (teller) => {
      await teller.apply(
        storageClass([
          { nodes: ['node1'], disks: [diskById('node1', 'a'), diskById('node1', 'b')] },
          { nodes: ['node2'], disks: [diskById('node2', 'a')] },
        ]),
      )
      await teller.until('both nodes have a volume group', async () => {
        const ready = await reported(teller, '{.status.conditions[?(@.type=="Ready")].status}')
        return ready === 'TrueTrue'
      })
      await teller.kubectl('get', 'nls')
    },
  },
  {
    title: 'The disk with data was refused, and not touched',
    tell: async (teller) => {
      const path = '{range .status.disks[*]}{.path}{"  "}{.state}{"  "}{.reason}{"  "}{.message}{"\\n"}{end}'
      const disks = await teller.kubectl(
        'get',
        'nls',
        '-o',
        `jsonpath={range .items[?(@.spec.nodeName=="node1")]}${path}{end}`,
      )
      const refused = disks.split('\n').find((line) => line.startsWith(diskById('node1', 'b'))) ?? ''
      teller.expect(
        /Refused.*ext4/.test(refused),
        'the disk is Refused, and the message names its ext4 file system',
      )
      const found = await teller.onNode('node1', 'blkid', '-p', diskById('node1', 'b'))
      teller.expect(found.includes('LABEL="precious"'), 'the file system is still there')
    },
  },
  {
    title: 'A pod asks for a volume, and Loam makes it on the node that the scheduler picks',
    tell: async (teller) => {
      await teller.apply(claim('journal', '100Mi'))
      await teller.apply(pod('journal', 'node1'))
      await waitUntilRunning(teller, 'journal')
      await teller.kubectl('get', 'pod,pvc', ...IN_DEMO, '-o', 'wide')
      const volume = await volumeOf(teller, 'journal')
      const volumes = await teller.onNode(await nodeOf(teller, 'journal'), ...LVS)
      teller.expect(
        volumes.includes(volume) && volumes.includes('loam.state=used'),
        'its logical volume is in the group, marked as used',
      )
      teller.expect(volumes.includes(`loam.claim=${NAMESPACE}/journal`), 'its tags say whose it is')
    },
  },
  {
    title: 'The pod writes, is deleted, and comes back to its data',
    tell: async (teller) => {
      await teller.kubectl(
        'exec',
        ...IN_DEMO,
        'journal',
        '--',
        'sh',
        '-c',
        'echo "first entry" > /data/log && sync',
      )
      await teller.kubectl('delete', 'pod', 'journal', ...IN_DEMO)
      await teller.apply(pod('journal', 'node1'))
      await waitUntilRunning(teller, 'journal')
      const text = await teller.kubectl('exec', ...IN_DEMO, 'journal', '--', 'cat', '/data/log')
      teller.expect(text.trim() === 'first entry', 'the entry is there')
    },
  },
  {
    title: 'Two pods want the same node, and there is room for one: the other is sent elsewhere',
    tell: async (teller) => {
      for (const name of ['left', 'right']) await teller.apply(claim(name, '600Mi'))
      teller.say(
        '\nThe agent of node1 is held for a moment, so that both claims choose node1 before either is served.',
      )
      await teller.onNode('node1', ...HOLD)
      try {
        for (const name of ['left', 'right']) await teller.apply(pod(name, 'node1'))
        await teller.until('the scheduler has selected node1 for both', async () => {
          const path = 'jsonpath={.items[*].metadata.annotations.volume\\.kubernetes\\.io/selected-node}'
          const selected = await teller.ask('get', 'pvc', 'left', 'right', ...IN_DEMO, '-o', path)
          return selected === 'node1 node1'
        })
      } finally {
        await teller.onNode('node1', ...GO_ON)
      }
      for (const name of ['left', 'right']) await waitUntilRunning(teller, name)
      await teller.kubectl('get', 'pod,pvc', ...IN_DEMO, '-o', 'wide')
      const nodes = await Promise.all(['left', 'right'].map((name) => nodeOf(teller, name)))
      teller.expect(nodes.toSorted().join() === 'node1,node2', 'one runs on node1, the other on node2')
      const events = await teller.kubectl('events', ...IN_DEMO, '--types=Warning')
      teller.expect(
        /NoSpace.*asked the scheduler for another node/.test(events),
        'an event says why, with numbers',
      )
    },
  },
  {
    title: 'The claims are deleted: volumes, PersistentVolumes and data go, the space comes back',
    tell: async (teller) => {
      await teller.kubectl('delete', 'pod,pvc', '--all', ...IN_DEMO)
      await teller.until('no PersistentVolume of the class is left', async () => {
        const left = await teller.ask('get', 'pv', '-o', ofClass('.metadata.name'))
        return left === ''
      })
      for (const node of ['node1', 'node2']) {
        const volumes = await teller.onNode(node, ...LVS)
        teller.expect(volumes.trim() === '', `no logical volume is left on ${node}`)
      }
      await teller.until('all space is reported free again', async () => {
        const sizes = await reported(teller, '{.status.volumeGroup.size}={.status.volumeGroup.free} ')
        return sizes
          .trim()
          .split(' ')
          .every((pair) => pair.split('=')[0] === pair.split('=')[1])
      })
      await teller.kubectl('get', 'nls')
    },
  },
]

const ofClass = (path: string): string => `jsonpath={.items[?(@.spec.storageClassName=="${CLASS}")]${path}}`

/** Takes away what the story made, so that it can be told again in the same lab. */
export const cleanUp = async ({ lab }: Teller): Promise<void> => {
  await lab.kubectl(['delete', 'namespace', NAMESPACE, '--ignore-not-found'])
  // The agents need the groups to end the volumes in them.
  const what = `PersistentVolumes of class ${CLASS} to be gone`
  await waitFor({ what, timeoutMs: WAIT_MS }, async () => {
    return (await lab.kubectl(['get', 'pv', '-o', ofClass('.metadata.name')])).stdout === ''
  })
  await lab.kubectl(['delete', 'storageclass', CLASS, '--ignore-not-found'])
  for (const node of ['node1', 'node2']) {
    const vm = await lab.vm(node)
    await vm.exec(['pkill', ...GO_ON.slice(1)])
    const script =
      'vgs "$1" >/dev/null 2>&1 && vgremove -qq -f "$1"; shift; for disk; do blkdiscard -f "$disk" || exit; done'
    await vm.run(['bash', '-c', script, 'blank', VOLUME_GROUP, diskById(node, 'a'), diskById(node, 'b')])
  }
  const names = await lab.kubectl(['get', 'nls', '-o', ofClass('.metadata.name')])
  for (const name of names.stdout.split(' ').filter((text) => text !== ''))
    await lab.kubectl(['delete', 'nls', name])
}
