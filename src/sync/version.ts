/**
 * Version vectors: who changed a path how often. Clocks only make counters larger, so that a host which lost its
 * index comes out concurrent with its former self instead of older than it.
 */
import { type ReplicaId } from '../base/brand.ts'

/** [replica, counter] pairs sorted by replica, each replica at most once, counters > 0. */
export type Version = readonly (readonly [ReplicaId, number])[]

export type VersionOrder = 'equal' | 'before' | 'after' | 'concurrent'

export const noVersion: Version = []

/** How `a` stands to `b`: 'before' means that b knows all that a knows, and more. */
export function compareVersions(a: Version, b: Version): VersionOrder {
  if (a === b) return 'equal'
  let aHasMore = false
  let bHasMore = false
  for (const [replica, counter] of a) {
    const other = counterOf(b, replica)
    if (counter > other) aHasMore = true
    if (counter < other) bHasMore = true
  }
  for (const [replica] of b) if (counterOf(a, replica) === 0) bHasMore = true
  if (aHasMore) return bHasMore ? 'concurrent' : 'after'
  return bHasMore ? 'before' : 'equal'
}

/** The smallest version that knows all that `a` and `b` know. */
export function joinVersions(a: Version, b: Version): Version {
  if (a.length === 0) return b
  const joined = new Map(a)
  for (const [replica, counter] of b) joined.set(replica, Math.max(counter, joined.get(replica) ?? 0))
  return sorted(joined)
}

/** `version` after one more change by `replica`: its counter becomes max(previous + 1, unix seconds). */
export function bumpVersion(version: Version, replica: ReplicaId, unixSeconds: number): Version {
  const counter = Math.max(counterOf(version, replica) + 1, Math.floor(unixSeconds))
  return sorted(new Map(version).set(replica, counter))
}

/**
 * True when `version` knows of changes by `replica` that `known` does not. Of our own replica and all that our index
 * knows: somebody remembers more of us than we do, so the index is older than it was, or another host has a copy of it.
 */
export function remembersMoreOf(replica: ReplicaId, version: Version, known: Version): boolean {
  return counterOf(version, replica) > counterOf(known, replica)
}

function counterOf(version: Version, replica: ReplicaId): number {
  return version.find(([r]) => r === replica)?.[1] ?? 0
}

function sorted(counters: Map<ReplicaId, number>): Version {
  return [...counters].sort(([a], [b]) => (a < b ? -1 : 1))
}
