import { randomUUID } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { PERSISTENT_VOLUMES } from '../../../kube/resources.ts'
import type { KubeObject } from '../../../kube/types.ts'
import { handMadeLvm } from '../../node/lvm/fixture.ts'
import { persistentVolume } from '../../cluster/daemonset/objects.ts'
import { quoteAll } from '../../lab/vm/shell.ts'
import { bash, createLine, prologue } from '../lvm/bare.ts'
import { CLAIM_SIZE } from './claims.ts'
import { NODE_NAME, type Cluster } from './cluster.ts'

const GROUP = 'by-hand'
const POSTS = '/run/bench'
/** Where the agent's lvm.conf is. */
const LOAM_LVM = '/run/loam/lvm'

/** The group of whoever works by hand, beside Loam's: with as much room for metadata. */
export const makeByHandGroup = (disk: string): Promise<string> =>
  handMadeLvm('vgcreate', '--metadatasize', '16m', GROUP, disk)

/** A PersistentVolume of the same size as Loam's, which concerns neither the agent nor a claim. */
const volumeByHand = (): KubeObject => {
  const { metadata, spec, ...kind } = persistentVolume(NODE_NAME, randomUUID())
  const volume = {
    ...kind,
    metadata: { name: metadata.name, labels: { 'by-hand': NODE_NAME } },
    spec: {
      ...spec,
      claimRef: undefined,
      csi: { ...spec.csi, driver: 'by-hand' },
      storageClassName: 'by-hand',
    },
  }
  return volume
}

let made = 0
const nextName = (): string => `by-hand-${made++}`

export interface ByHand {
  /** `lvcreate -an` with LVM's own defaults: fork, run and wait by bash. */
  readonly lvcreateMs: number
  /** The POST of a PersistentVolume over a connection that is open already. */
  readonly postMs: number
}

/** udev reads a disk again after each change of it: whoever is timed next must not pay for that. */
const lvcreateScript = (name: string): string => `
exec 3>&1 >/dev/null
udevadm settle
before=$EPOCHREALTIME
lvcreate -an -Zn -Wn -L ${CLAIM_SIZE.replace('i', '')} -n ${name} ${GROUP} 2>/run/bench-errors || { cat /run/bench-errors >&2; exit 1; }
after=$EPOCHREALTIME
echo $((\${after/./} - \${before/./})) >&3
udevadm settle
`

/** What nobody can do without, once. */
export const byHand = async ({ client }: Cluster): Promise<ByHand> => {
  const lvcreateMs = Number(await bash(lvcreateScript(nextName()))) / 1000
  const volume = volumeByHand()
  const start = performance.now()
  await client.create(PERSISTENT_VOLUMES, volume)
  return { lvcreateMs, postMs: performance.now() - start }
}

export interface BareRun {
  readonly volumes: number
  readonly totalMs: number
  /** Of the total, what the POSTs took: each a curl with a connection of its own. */
  readonly curlMs: number
}

/** So many volumes by a script: Loam's lvcreate, a flush, and curl, one after another. */
export const bareScript = async ({ server }: Cluster, disk: string, count: number): Promise<BareRun> => {
  const pki = (file: string): string => join(server.directory, file)
  const post = [
    ...['curl', '--silent', '--show-error', '--fail'],
    ...['--cacert', pki('ca.crt'), '--cert', pki('admin.crt'), '--key', pki('admin.key')],
    ...['--header', 'content-type: application/json'],
    `https://127.0.0.1:${server.port}/api/v1/persistentvolumes`,
  ]
  const lines = []
  for (let index = 0; index < count; index++) {
    const body = join(POSTS, `${index}.json`)
    await writeFile(body, JSON.stringify(volumeByHand()))
    lines.push(
      createLine({ name: GROUP, uuid: '' }, nextName()),
      'echo $EPOCHREALTIME >&3',
      `must ${quoteAll(post)} --data-binary @${body}`,
      'echo $EPOCHREALTIME >&3',
    )
  }
  const output = await bash(`${prologue(disk, LOAM_LVM)}\necho $EPOCHREALTIME >&3\n${lines.join('\n')}`)
  return bareRunOf(output.split('\n').map((seconds) => Number(seconds) * 1000))
}

/** From the moments at the start, then after each lvcreate and each POST, in milliseconds. */
export const bareRunOf = (moments: readonly number[]): BareRun => {
  const [start = Number.NaN, ...ends] = moments
  const posts = ends.filter((_, index) => index % 2 === 1)
  const curlMs = posts.reduce((sum, end, index) => sum + end - (ends[2 * index] ?? Number.NaN), 0)
  return { volumes: posts.length, totalMs: (ends.at(-1) ?? Number.NaN) - start, curlMs }
}
