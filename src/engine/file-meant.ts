/**
 * Which file of the index it is that was hashed: the same inode, of the same length and time. If its content is another, that
 * is no edit, but bits that flipped unnoticed before its rights changed, before it was renamed, or before a crash cut short what
 * we did to it ourselves. Announced, they would spread to all hosts.
 */
import { type RelPath } from '../base/brand.ts'
import { type FolderIndex } from '../db/index-port.ts'
import { type Entry, type FileEntry, type Stat } from '../sync/entry.ts'
import { type SignedRecord } from '../sync/record.ts'
import { type Deletions } from './deletions.ts'

export interface FileMeantNeeds {
  readonly index: Pick<FolderIndex, 'entry' | 'recordsOf' | 'entriesHolding'>
  readonly deletions: Pick<Deletions, 'renamedFrom'>
}

/** Its entry, at this path or at the one from which it was renamed; null for a file that the index does not know. */
export function fileMeant(path: RelPath, stat: Stat, { index, deletions }: FileMeantNeeds): FileEntry | null {
  const records = index.recordsOf(path)
  const isIt = (entry: Entry | null) => entry?.kind === 'file' && isSameFile(entry, stat, records)
  const entry = index.entry(path)
  if (isIt(entry)) return entry as FileEntry
  const from = deletions.renamedFrom(stat.inode)
  const renamed = from === null ? null : index.entry(from)
  if (isIt(renamed)) return renamed as FileEntry
  // What a record asks for is renamed here from where it lies; after a crash in between, that may still be in the index.
  return (
    records.flatMap((record) => (record.kind === 'file' ? index.entriesHolding(record.root) : [])).find(isIt) ?? null
  )
}

/** We set the time that a record asks for before the index hears of it. */
function isSameFile(entry: FileEntry, { inode, size, mtimeUs }: Stat, records: readonly SignedRecord[]): boolean {
  const isStamped = (record: SignedRecord) =>
    record.kind === 'file' && record.root === entry.root && record.mtimeUs === mtimeUs
  return entry.inode === inode && entry.size === size && (entry.mtimeUs === mtimeUs || records.some(isStamped))
}
