/**
 * Reconciling: the one decision of the daemon. Given what lies under a path here (its entry) and what the folder says
 * of it (its records), what is to be done? Touches nothing, asks no one, remembers nothing: after a crash it is asked
 * again and says the same.
 *
 * 1. The entry has taken up the versions of all records: nothing.
 * 2. What lies here is the winner's content: adopt its version, and its mtime.
 * 3. Otherwise carry the winner out. What it replaces goes to the archive; whether as a conflict depends on whether
 *    that content is one of the losers.
 *
 * Carried out, the entry has `version`, which dominates all records of the set, and the next answer is: nothing.
 */
import { assertNever } from '../base/assert.ts'
import { type Entry } from './entry.ts'
import { type Observed } from './local-record.ts'
import { joinedVersion, losersOf, winnerOf } from './merge.ts'
import { contentHash, contentKey, type SignedRecord } from './record.ts'
import { compareVersions, joinVersions, noVersion, type Version } from './version.ts'

export type RecordOf<Kind extends SignedRecord['kind']> = Extract<SignedRecord, { readonly kind: Kind }>

/** What stands where the winner must go: nothing, an older state of the path, or a loser of a conflict. */
export type Replaces = 'nothing' | 'newer' | 'conflict'

/** What to do with a path. `version` is the entry's version once it is done. */
export type Decision =
  | { readonly do: 'nothing' }
  /** Only the index changes, and the mtime where `mtimeUs` is not null. A tombstone is adopted by an 'absent' entry. */
  | { readonly do: 'adopt'; readonly winner: SignedRecord; readonly version: Version; readonly mtimeUs: number | null }
  | Carry<'fetch', 'file'>
  | Carry<'make-directory', 'directory'>
  | Carry<'make-link', 'link'>
  /** Take what lies here out of the tree: a file into the archive, an empty directory or a link away. */
  | { readonly do: 'archive'; readonly winner: RecordOf<'tombstone'>; readonly version: Version }

interface Carry<Do extends string, Kind extends SignedRecord['kind']> {
  readonly do: Do
  readonly winner: RecordOf<Kind>
  readonly version: Version
  readonly replaces: Replaces
}

/** `records` is the merged set of the path (`mergeRecords`), `entry` null for a path that this index has never seen. */
export function reconcile(entry: Entry | null, records: readonly SignedRecord[]): Decision {
  if (records.length === 0) return { do: 'nothing' }
  const [known, said] = [entry?.version ?? noVersion, joinedVersion(records)]
  const order = compareVersions(known, said)
  if (order === 'equal' || order === 'after') return { do: 'nothing' }
  return decide(entry ?? absent, records, joinVersions(known, said))
}

/**
 * The same for something that lies here although this index has no entry for it: the index is new, was lost, or the
 * thing has come since. If a record has its content, or names it as what it replaces or deletes, the pool knows it and
 * the records decide (so what was deleted elsewhere goes to the archive and does not come back). Otherwise it is to be
 * announced, with a record that is concurrent with all others. What does not lie here is no deletion: it is fetched.
 */
export function reconcileUnindexed(
  observed: Observed,
  records: readonly SignedRecord[],
): Decision | { readonly do: 'announce' } {
  if (observed.kind === 'absent') return reconcile(null, records)
  if (!records.some((record) => knows(record, observed))) return { do: 'announce' }
  return decide(observed, records, joinedVersion(records))
}

/**
 * True for what lies here although the entry says otherwise, if a record that the entry has not taken up has it or names
 * it as left behind: most likely this host installed it, and a crash came before the commit. Then the records decide.
 */
export function isOfPool(entry: Entry, observed: Observed, records: readonly SignedRecord[]): boolean {
  const isTaken = ({ version }: SignedRecord) => ['before', 'equal'].includes(compareVersions(version, entry.version))
  // Of a directory in place of something else nobody can say where it is from, unless a record has it.
  const isReplaced = observed.kind === 'directory' && entry.kind !== 'absent'
  const isKnown = (record: SignedRecord) =>
    isReplaced ? contentKey(record) === contentKey(observed) : knows(record, observed)
  return records.some((record) => !isTaken(record) && isKnown(record))
}

function knows(record: SignedRecord, observed: Observed): boolean {
  if (contentKey(record) === contentKey(observed)) return true
  // One empty directory is like another: where one was deleted, this is the one (what lies in it keeps it).
  if (observed.kind === 'directory') return record.kind === 'tombstone' && record.previous === null
  const content = contentHash(observed)
  return content !== null && (record.previous === content || record.earlier.includes(content))
}

const absent = { kind: 'absent' } as const

type Here = Observed | Entry

function decide(here: Here, records: readonly SignedRecord[], version: Version): Decision {
  const winner = winnerOf(records)
  if (holds(here, winner)) return { do: 'adopt', winner, version, mtimeUs: mtimeToSet(here, winner) }
  const replaces = replacesWhat(here, records)
  switch (winner.kind) {
    case 'file':
      return { do: 'fetch', winner, version, replaces }
    case 'directory':
      return { do: 'make-directory', winner, version, replaces }
    case 'link':
      return { do: 'make-link', winner, version, replaces }
    case 'tombstone':
      return { do: 'archive', winner, version }
    default:
      return assertNever(winner)
  }
}

function holds(here: Here, winner: SignedRecord): boolean {
  if (winner.kind === 'tombstone') return here.kind === 'absent'
  return contentKey(here) === contentKey(winner)
}

function mtimeToSet(here: Here, winner: SignedRecord): number | null {
  if (here.kind !== 'file' || winner.kind !== 'file') return null
  return here.mtimeUs === winner.mtimeUs ? null : winner.mtimeUs
}

function replacesWhat(here: Here, records: readonly SignedRecord[]): Replaces {
  if (here.kind === 'absent') return 'nothing'
  return losersOf(records).some((loser) => contentKey(loser) === contentKey(here)) ? 'conflict' : 'newer'
}
