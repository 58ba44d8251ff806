/**
 * Merging: what a folder says of one path is the set of records that no other dominates. Everything here is a
 * function of that set alone, whatever the order in which its records arrived, so every host comes to the same.
 */
import { bodyBytes, compareBytes } from './record-bytes.ts'
import { contentHash, contentKey, type SignedRecord } from './record.ts'
import { compareVersions, joinVersions, noVersion, type Version } from './version.ts'

/**
 * The records of both sets that none dominates, in one canonical order. Commutative, associative, idempotent. All
 * must be of one path. Two records of equal version are one record: should they differ, which only a cloned replica
 * can bring about, the greater in `totalOrder` stays, on every host the same.
 */
export function mergeRecords(
  known: readonly SignedRecord[],
  incoming: readonly SignedRecord[],
): readonly SignedRecord[] {
  const all = [...known, ...incoming]
  if (all.length < 2) return all
  const sorted = all.sort(totalOrder)
  return sorted.filter((record, i) => !sorted.some((other, j) => replaces(other, record, j > i)))
}

function replaces(other: SignedRecord, record: SignedRecord, otherIsGreater: boolean): boolean {
  const order = compareVersions(other.version, record.version)
  return order === 'after' || (order === 'equal' && otherIsGreater)
}

/** The version of someone who has taken up all these records. */
export function joinedVersion(records: readonly SignedRecord[]): Version {
  return records.reduce<Version>((joined, { version }) => joinVersions(joined, version), noVersion)
}

/**
 * The record that a path is to follow. Records that another one supersedes do not stand; then a live record beats a
 * tombstone; then the later order time, the greater author, the greater bytes. `records` is not empty.
 */
export function winnerOf(records: readonly SignedRecord[]): SignedRecord {
  return standing(records).reduce((best, record) => (beats(record, best) ? record : best))
}

/** The records in real conflict with the winner: not superseded, not tombstones, and of another content. */
export function losersOf(records: readonly SignedRecord[]): readonly SignedRecord[] {
  if (records.length === 0) return []
  const won = contentKey(winnerOf(records))
  return standing(records).filter((record) => record.kind !== 'tombstone' && contentKey(record) !== won)
}

/** Those that no other supersedes; all of them when they supersede each other in a ring. */
function standing(records: readonly SignedRecord[]): readonly SignedRecord[] {
  if (records.length === 1) return records
  const left = records.filter((record) => !records.some((other) => supersedes(other, record)))
  return left.length > 0 ? left : records
}

/**
 * True when `a` was made where the content of `b` lay: `a` replaces or deletes it, although no version says so (the
 * author of `b` had lost its index, or announced the same content by itself). If each names the other, neither does.
 * Contents before that count only where the author of `b` knew of none: who knows may bring an old one back.
 */
function supersedes(a: SignedRecord, b: SignedRecord): boolean {
  return namesAsPrevious(a, b) && !namesAsPrevious(b, a)
}

function namesAsPrevious(a: SignedRecord, b: SignedRecord): boolean {
  const content = contentHash(b)
  if (content === null) return false
  const knewOfNone = b.previous === null && b.earlier.length === 0
  return a.previous === content || (knewOfNone && a.earlier.includes(content))
}

function beats(a: SignedRecord, b: SignedRecord): boolean {
  const aLives = a.kind !== 'tombstone'
  if (aLives !== (b.kind !== 'tombstone')) return aLives
  if (a.orderUs !== b.orderUs) return a.orderUs > b.orderUs
  return totalOrder(a, b) > 0
}

/** By author, then by every byte of the record: equal only for the same record with the same signature. */
function totalOrder(a: SignedRecord, b: SignedRecord): number {
  if (a.author !== b.author) return a.author < b.author ? -1 : 1
  return compareBytes(bodyBytes(a), bodyBytes(b)) || compareBytes(a.signature, b.signature)
}
