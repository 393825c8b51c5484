import type { ClaimView } from '../kube/claim-view.ts'
import type { FreeVolume } from './volume-view.ts'

/** Whether Kubernetes would bind the claim to the volume (component-helpers, storage/volume, FindMatchingVolume). */
const suits = (volume: FreeVolume, claim: ClaimView): boolean =>
  volume.storageClassName === claim.storageClassName &&
  volume.volumeMode === claim.volumeMode &&
  volume.capacityBytes >= (claim.requestBytes ?? 0n) &&
  claim.accessModes.every((mode) => volume.accessModes.includes(mode)) &&
  (volume.claimedBy === undefined || volume.claimedBy === `${claim.namespace}/${claim.name}`)

const bySize = (one: bigint, other: bigint): number => Number(one > other) - Number(one < other)

/** PersistentVolumes that people made and no claim has yet, by node: a claim that gets one needs no new volume. */
export class FreeVolumes {
  readonly #byNode = new Map<string, Map<string, FreeVolume>>()

  heed(now: FreeVolume | undefined, before: FreeVolume | undefined): void {
    if (before !== undefined) {
      const left = this.#byNode.get(before.nodeName)
      left?.delete(before.name)
      if (left?.size === 0) this.#byNode.delete(before.nodeName)
    }
    if (now === undefined) return
    const there = this.#byNode.get(now.nodeName) ?? new Map<string, FreeVolume>()
    this.#byNode.set(now.nodeName, there.set(now.name, now))
  }

  isEmptyOn(nodeName: string): boolean {
    // asked for thousands of nodes at a time, of a cluster that mostly has none
    return this.#byNode.size === 0 || !this.#byNode.has(nodeName)
  }

  /** The claims that get none of them there. The smallest claim is the first to choose, and takes the smallest volume. */
  without(nodeName: string, claims: readonly ClaimView[]): readonly ClaimView[] {
    const free = [...(this.#byNode.get(nodeName)?.values() ?? [])].sort((one, other) =>
      bySize(one.capacityBytes, other.capacityBytes),
    )
    const served = new Set<ClaimView>()
    for (const claim of claims.toSorted((a, b) => bySize(a.requestBytes ?? 0n, b.requestBytes ?? 0n))) {
      const found = free.findIndex((volume) => claim.selectedNode === undefined && suits(volume, claim))
      if (found < 0) continue
      free.splice(found, 1)
      served.add(claim)
    }
    return claims.filter((claim) => !served.has(claim))
  }
}
