/**
 * What records tell of a file that a new index found in the archive. Why it went there was known to the old index only; what
 * can be said is what the pool did with that content at that path.
 */
import { type RootHash } from '../base/brand.ts'
import { contentHash, type SignedRecord } from './record.ts'

/** Null where no record names it as what went for it, or where records tell different things. */
export function reasonTold(root: RootHash, records: readonly SignedRecord[]): 'deleted' | 'replaced' | null {
  const told = new Set(
    records.flatMap(({ previous, kind }) => {
      return previous === root ? [kind === 'tombstone' ? ('deleted' as const) : ('replaced' as const)] : []
    }),
  )
  return told.size === 1 ? ([...told][0] ?? null) : null
}

/** True where some user wrote that content to that path; of others it may be a rotten copy. */
export function isKnownContent(root: RootHash, records: readonly SignedRecord[]): boolean {
  return records.some(
    (record) => record.previous === root || record.earlier.includes(root) || contentHash(record) === root,
  )
}
