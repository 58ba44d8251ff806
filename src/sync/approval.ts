/**
 * What the operator has let go, until it has been carried out: that a short image is whole, that another content here
 * may be announced, that what others said of a path may be carried out. Bound to what he saw: whatever comes after it
 * is judged anew.
 */
import { type RelPath, type RootHash } from '../base/brand.ts'
import { type Stat } from './entry.ts'
import { joinedVersion } from './merge.ts'
import { type SignedRecord } from './record.ts'

export interface Approval {
  readonly path: RelPath
  readonly what: 'length' | 'content' | 'records'
  /** Which length, content or records, as text that is compared and never read. */
  readonly which: string
}

/** The file is whole as it is, until it is written to. */
export function ofLength(path: RelPath, { size, mtimeUs }: Stat): Approval {
  return { path, what: 'length', which: `${size} ${mtimeUs}` }
}

/** The file here may get this content on all hosts. */
export function ofContent(path: RelPath, root: RootHash): Approval {
  return { path, what: 'content', which: root }
}

/** What lies here may go or be replaced, as the folder says so far. */
export function ofRecords(path: RelPath, records: readonly SignedRecord[]): Approval {
  return { path, what: 'records', which: JSON.stringify(joinedVersion(records)) }
}
