/**
 * What a file was before it rotted. Its entry names what really lies there, and no version (healer.ts): what a user does to it
 * would look like a change of something that the folder has never heard of.
 */
import { type RelPath } from '../base/brand.ts'
import { type FolderIndex } from '../db/index-port.ts'
import { type Entry, type FileEntry } from '../sync/entry.ts'
import { type SignedRecord } from '../sync/record.ts'
import { compareVersions, noVersion } from '../sync/version.ts'

type Index = Pick<FolderIndex, 'recordsOf' | 'rotten' | 'pieceList'>

/** True of what is known to have rotted and is not healed yet. */
export function isKnownRot(entry: Entry | null, index: Pick<FolderIndex, 'rotten'>): entry is FileEntry {
  if (entry?.kind !== 'file' || compareVersions(entry.version, noVersion) !== 'equal') return false
  return index.rotten().some(({ path }) => path === entry.path)
}

/** The entry as it was before, where `entry` is known rot and the records still tell; else as it is. */
export function beforeRot<E extends Entry | null>(entry: E, index: Index): E | FileEntry {
  if (!isKnownRot(entry, index)) return entry
  const records = index.recordsOf(entry.path)
  const was = records.find((record) => isRecordOf(record, entry))
  if (was?.kind === 'file') return { ...entry, root: was.root, version: was.version }
  const deleted = deletedContent(entry.path, index)
  return deleted === null ? entry : { ...entry, root: deleted }
}

function isRecordOf(record: SignedRecord, { size, mtimeUs }: FileEntry): boolean {
  return record.kind === 'file' && record.size === size && record.mtimeUs === mtimeUs
}

/** What other hosts have deleted, and lay here. */
function deletedContent(path: RelPath, index: Index) {
  const contents = index.recordsOf(path).map((record) => (record.kind === 'tombstone' ? record.previous : null))
  return contents.find((root) => root !== null && index.pieceList(root) !== null) ?? null
}
