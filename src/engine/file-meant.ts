/**
 * Which file of the index it is that was hashed: the same inode, of the same length and time. If its content is another, that
 * is no edit, but bits that flipped unnoticed before its rights changed, before it was renamed, or before a crash cut short what
 * we did to it ourselves. Announced, they would spread to all hosts.
 */
import { type RelPath } from '../base/brand.ts'
import { type FolderIndex } from '../db/index-port.ts'
import { type FileEntry, type Stat } from '../sync/entry.ts'
import { type SignedRecord } from '../sync/record.ts'
import { beforeRot } from './before-rot.ts'
import { type Deletions } from './deletions.ts'

export interface FileMeantNeeds {
  readonly index: Pick<FolderIndex, 'entry' | 'recordsOf' | 'entriesHolding' | 'rotten' | 'pieceList'>
  readonly deletions: Pick<Deletions, 'renamedFrom'>
}

/**
 * Its entry, at this path or at the one from which it was renamed, as it was before what is known to have rotted did; null for
 * a file that the index does not know.
 */
export function fileMeant(path: RelPath, stat: Stat, needs: FileMeantNeeds): FileEntry | null {
  const records = needs.index.recordsOf(path)
  const found = candidates(path, stat, records, needs).find((entry) => isSameFile(entry, stat, records))
  if (found === undefined) return null
  const meant = beforeRot(found, needs.index)
  // What was renamed cannot be told at its new path without its piece list.
  return meant.path === path || needs.index.pieceList(meant.root) !== null ? meant : null
}

function candidates(path: RelPath, { inode }: Stat, records: readonly SignedRecord[], needs: FileMeantNeeds) {
  const { index, deletions } = needs
  const from = deletions.renamedFrom(inode)
  const known = [index.entry(path), from === null ? null : index.entry(from)]
  // What a record asks for is renamed here from where it lies; after a crash in between, the index may still have it there.
  const asked = records.flatMap((record) => (record.kind === 'file' ? index.entriesHolding(record.root) : []))
  return [...known, ...asked].filter((entry) => entry?.kind === 'file')
}

/** We set the time that a record asks for before the index hears of it. */
function isSameFile(entry: FileEntry, { inode, size, mtimeUs }: Stat, records: readonly SignedRecord[]): boolean {
  const isStamped = (record: SignedRecord) =>
    record.kind === 'file' && record.root === entry.root && record.mtimeUs === mtimeUs
  return entry.inode === inode && entry.size === size && (entry.mtimeUs === mtimeUs || records.some(isStamped))
}
