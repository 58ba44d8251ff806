/** Local changes: the record that says what a user did to a path on this host. */
import { assert, assertNever } from '../base/assert.ts'
import { type RelPath, type ReplicaId, type RootHash } from '../base/brand.ts'
import { type Entry } from './entry.ts'
import { contentHash, contentKey, MOST_EARLIER, type RecordBody, type SignedRecord } from './record.ts'
import { bumpVersion, compareVersions, noVersion } from './version.ts'

/** What lies under a path now, read and hashed. */
export type Observed =
  | { readonly kind: 'file'; readonly size: number; readonly mtimeUs: number; readonly root: RootHash }
  | { readonly kind: 'directory' }
  | { readonly kind: 'link'; readonly target: string }
  | { readonly kind: 'absent' }

export interface LocalChange {
  readonly path: RelPath
  /** What the index last saw there. */
  readonly entry: Entry | null
  readonly observed: Observed
  /** What the folder says of it. */
  readonly records: readonly SignedRecord[]
}

/**
 * True when the observation says something that the entry does not: another content, or another mtime of a file. A
 * path that was never there and is not there says nothing.
 */
export function isChange({ entry, observed }: Pick<LocalChange, 'entry' | 'observed'>): boolean {
  if (entry === null) return observed.kind !== 'absent'
  if (contentKey(entry) !== contentKey(observed)) return true
  return entry.kind === 'file' && observed.kind === 'file' && entry.mtimeUs !== observed.mtimeUs
}

/**
 * The record of a local change, to be signed; only for what `isChange` holds of. It starts from the entry's version,
 * so it dominates exactly the records which the entry has taken up and is concurrent with those that it has not.
 */
export function localRecord(
  { path, entry, observed, records }: LocalChange,
  { replica, nowUs }: { readonly replica: ReplicaId; readonly nowUs: number },
): RecordBody {
  const version = bumpVersion(entry?.version ?? noVersion, replica, nowUs / 1_000_000)
  const previous = entry === null ? null : contentHash(entry)
  const earlier = earlierThan(previous, observed, takenUp(entry, records))
  const common = { path, version, author: replica, previous, earlier, orderUs: exactUs(nowUs) }
  switch (observed.kind) {
    case 'file':
      return fileRecord(common, observed)
    case 'directory':
      return { ...common, kind: 'directory' }
    case 'link':
      return { ...common, kind: 'link', target: observed.target }
    case 'absent':
      assert(entry !== null && entry.kind !== 'absent', `${path} was never here, so its absence is no deletion`)
      return { ...common, kind: 'tombstone' }
    default:
      return assertNever(observed)
  }
}

/** Only what the author has seen: a content that it has not is in conflict with its own, not left behind. */
function takenUp(entry: Entry | null, records: readonly SignedRecord[]): readonly SignedRecord[] {
  if (entry === null) return []
  return records.filter(({ version }) => ['before', 'equal'].includes(compareVersions(version, entry.version)))
}

/** Of what the records say, all but what is named as previous, and what lies there now. */
function earlierThan(previous: RootHash | null, now: Observed, records: readonly SignedRecord[]): readonly RootHash[] {
  const contents = records.flatMap((record) => [contentHash(record), record.previous, ...record.earlier])
  const [known, here] = [new Set(contents).values().filter((hash) => hash !== null), contentHash(now)]
  return [...known.filter((hash) => hash !== previous && hash !== here).take(MOST_EARLIER)]
}

function fileRecord(
  common: Omit<RecordBody & { kind: 'directory' }, 'kind'>,
  { size, mtimeUs, root }: Observed & { kind: 'file' },
): RecordBody {
  const exact = exactUs(mtimeUs)
  return { ...common, kind: 'file', size, mtimeUs: exact, root, orderUs: Math.min(exact, common.orderUs) }
}

/** Disks may hold times up to the year 36,812, records only what a number keeps exactly (to the year 2255). */
function exactUs(us: number): number {
  return Math.min(Math.max(Math.floor(us), Number.MIN_SAFE_INTEGER), Number.MAX_SAFE_INTEGER)
}
