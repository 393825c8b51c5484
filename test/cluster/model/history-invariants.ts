import { viewPersistentVolume, type PersistentVolumeView } from '../../../agent/persistent-volume.ts'
import { formatVolumeHandle } from '../../../core/naming.ts'
import { versionsWithin, type Version } from './chronicle.ts'
import type { Removal } from './node-memory.ts'
import { selectedNodeOf } from './scheduler.ts'
import type { World } from './world.ts'

/** What is wrong with what has happened. */
type HistoryInvariant = (world: World) => readonly string[]

/** The chronicle hears of a change a moment after it. */
const SLACK_MS = 1_000

const claimLives = ({ name, cluster }: World) =>
  cluster.chronicles.claims
    .all()
    .filter((versions) => versions.some(({ object }) => object?.metadata.namespace === name))

/** I8: an empty value still counts as a node for the scheduler. */
const keysAreRemoved: HistoryInvariant = (world) =>
  claimLives(world).flatMap((versions) => {
    const found = versions.find(({ object }) => object !== undefined && selectedNodeOf(object) === '')
    return found?.object === undefined
      ? []
      : [`claim "${found.object.metadata.name ?? ''}" selects the node ""`]
  })

/** I8: never given back once a PersistentVolume exists. */
const answeredClaimsStay: HistoryInvariant = (world) =>
  claimLives(world).flatMap((versions) =>
    versions.flatMap(({ object, atMs }, index) => {
      const before = versions[index - 1]?.object
      if (object === undefined || before === undefined) return []
      if (selectedNodeOf(before) === undefined || selectedNodeOf(object) !== undefined) return []
      const name = `pvc-${object.metadata.uid ?? ''}`
      const answered = world.cluster.chronicles.volumes
        .all()
        .filter((lives) => lives[0]?.object?.metadata.name === name)
        .some((lives) => {
          const around = versionsWithin(lives, atMs - SLACK_MS, atMs + SLACK_MS)
          return (
            (lives[0]?.atMs ?? atMs) < atMs - SLACK_MS && around.every((each) => each.object !== undefined)
          )
        })
      return answered
        ? [`claim "${object.metadata.name ?? ''}" was given back although ${name} was there`]
        : []
    }),
  )

const mayDie = ({ object }: Version<PersistentVolumeView>): boolean =>
  object === undefined ||
  (object.isBeingDeleted && object.phase === 'Released' && object.reclaimPolicy === 'Delete')

interface Dated extends Removal {
  readonly node: string
}

const wasAllowed = ({ cluster }: World, { volume, atMs }: Dated): boolean => {
  const handle = formatVolumeHandle(volume.handle)
  const lives = cluster.chronicles.volumes
    .all()
    .filter((versions) => versions.some(({ object }) => object?.spec.csi?.volumeHandle === handle))
  const around = lives.flatMap((versions) => [
    ...((versions[0]?.atMs ?? Infinity) > atMs - SLACK_MS ? [{ atMs: 0, object: undefined }] : []),
    ...versionsWithin(versions, atMs - SLACK_MS, atMs + SLACK_MS).map((version) => ({
      ...version,
      object: version.object === undefined ? undefined : viewPersistentVolume(version.object),
    })),
  ])
  if (around.length > 0) return around.some(mayDie)
  return volume.record?.state === 'new'
}

/** I1: what an agent removes was released by its PersistentVolume, or never had one nor a user. */
const removalsWereAllowed: HistoryInvariant = (world) =>
  world.nodes
    .flatMap(({ name: node, memory }) => memory.removals.map((removal) => ({ ...removal, node })))
    .filter(({ by }) => by === 'agent')
    .filter((removal) => !wasAllowed(world, removal))
    .map(
      ({ node, volume }) =>
        `${node} removed ${volume.name}, ${volume.record?.state ?? 'foreign'}, which somebody owns`,
    )

/** agent/report-writer.ts: of news and of volumes that have come, and so many at once after each start. */
const STATUS_WRITES = { perSecond: 1 / 2 + 1 / 4, burst: 4 + 2 }

/** I17: reports are bounded, whatever happens. */
const reportsAreBounded: HistoryInvariant = ({ nodes }) =>
  nodes.flatMap(({ name, way, agent }) => {
    const times = way.seen
      .filter(({ request }) => request.method === 'PATCH' && request.url.pathname.endsWith('/status'))
      .filter(({ request }) => request.url.pathname.includes('/nodelocalstorages/'))
      .map(({ atMs }) => atMs)
    const lastedS = ((times.at(-1) ?? 0) - (times[0] ?? 0)) / 1000
    const most = STATUS_WRITES.burst * (agent.deaths + 1) + STATUS_WRITES.perSecond * (lastedS + 1)
    return times.length > most ? [`${name} wrote ${times.length} reports in ${lastedS} s`] : []
  })

const INVARIANTS: readonly (readonly [string, HistoryInvariant])[] = [
  ['I8', keysAreRemoved],
  ['I8', answeredClaimsStay],
  ['I1', removalsWereAllowed],
  ['I17', reportsAreBounded],
]

/** All that went wrong on the way, whatever it came to. */
export const misdeedsOf = (world: World): readonly string[] =>
  INVARIANTS.flatMap(([number, invariant]) => invariant(world).map((what) => `${number}: ${what}`))
