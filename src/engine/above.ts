/**
 * What comes before a path: nothing can be put into a directory before it is made, nor under a file, and a link comes
 * after what it points at, so that a control panel never follows one into nothing.
 *
 * Where one host has put a file and another a directory, the records of that path decide alone. What lies below, if
 * the file wins, is buried: it goes to the archive, and comes back when there is a directory again.
 */
import { type RelPath } from '../base/brand.ts'
import { type FolderIndex } from '../db/index-port.ts'
import { linkTargetPath } from '../sync/link-target.ts'
import { winnerOf } from '../sync/merge.ts'
import { parentOf } from '../sync/path.ts'
import { type SignedRecord } from '../sync/record.ts'
import { type Decision, reconcile } from '../sync/reconcile.ts'

type Index = Pick<FolderIndex, 'entry' | 'recordsOf'>

/** The file or link under which the path is buried; null for what is dead anyway. */
export function buriedUnder(path: RelPath, index: Index, records = index.recordsOf(path)): RelPath | null {
  const own = winnerKind(records)
  if (own === null || own === 'tombstone') return null
  return directoriesAbove(path).find((dir) => isFileOrLink(winnerKind(index.recordsOf(dir)))) ?? null
}

/** What is to be made, or taken out of the way, before `decision` can be carried out; null if nothing is. */
export function comesBefore(path: RelPath, decision: Decision, index: Index): RelPath | null {
  if (decision.do !== 'fetch' && decision.do !== 'make-directory' && decision.do !== 'make-link') return null
  const above = directoriesAbove(path).find((dir) => isComing(dir, index)) ?? null
  if (above !== null || decision.do !== 'make-link') return above
  const target = linkTargetPath(path, decision.winner.target)
  return target !== null && isFetched(target, index) ? target : null
}

/**
 * True for what stands in a directory that the index does not know: it was deleted, or never told of, and has been made
 * for what lies in it.
 */
export function isUnderUnknown(path: RelPath, index: Index): boolean {
  const kind = index.entry(path)?.kind ?? 'absent'
  return kind !== 'absent' && directoriesAbove(path).some((dir) => index.entry(dir)?.kind !== 'directory')
}

function isComing(dir: RelPath, index: Index): boolean {
  const entry = index.entry(dir)
  const decision = reconcile(entry, index.recordsOf(dir)).do
  return decision === 'make-directory' || (decision === 'archive' && isFileOrLink(entry?.kind ?? null))
}

function isFetched(target: RelPath, index: Index): boolean {
  const decision = reconcile(index.entry(target), index.recordsOf(target)).do
  return (decision === 'fetch' || decision === 'make-directory') && buriedUnder(target, index) === null
}

function winnerKind(records: readonly SignedRecord[]) {
  return records.length > 0 ? winnerOf(records).kind : null
}

function isFileOrLink(kind: string | null): boolean {
  return kind === 'file' || kind === 'link'
}

/** From the root down, without the root itself. */
function directoriesAbove(path: RelPath): readonly RelPath[] {
  const dirs: RelPath[] = []
  for (let dir = parentOf(path); dir !== ''; dir = parentOf(dir)) dirs.unshift(dir)
  return dirs
}
