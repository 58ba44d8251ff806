/**
 * What the folder says of the directories above a path, which come first: nothing can be put into a directory before
 * it is made, nor under a file. Where one host has put a file and another a directory, the records of that path decide
 * alone; what lies below, if the file wins, is buried under it: it goes to the archive, and comes back with the
 * directory.
 */
import { type RelPath } from '../base/brand.ts'
import { type FolderIndex } from '../db/index-port.ts'
import { winnerOf } from '../sync/merge.ts'
import { parentOf } from '../sync/path.ts'
import { reconcile } from '../sync/reconcile.ts'

export type Above =
  | { readonly is: 'clear' }
  /** `path` is still to be made, or to be taken out of the way. */
  | { readonly is: 'coming'; readonly path: RelPath }
  /** `path` is a file or a link. */
  | { readonly is: 'burying'; readonly path: RelPath }

export function above(path: RelPath, index: Pick<FolderIndex, 'entry' | 'recordsOf'>): Above {
  for (const dir of directoriesAbove(path)) {
    const records = index.recordsOf(dir)
    const winner = records.length > 0 ? winnerOf(records).kind : 'directory'
    if (winner === 'file' || winner === 'link') return { is: 'burying', path: dir }
    const entry = index.entry(dir)
    const decision = reconcile(entry, records).do
    const inTheWay = entry?.kind === 'file' || entry?.kind === 'link'
    if (decision === 'make-directory' || (decision === 'archive' && inTheWay)) return { is: 'coming', path: dir }
  }
  return { is: 'clear' }
}

/** From the root down, without the root itself. */
function directoriesAbove(path: RelPath): readonly RelPath[] {
  const dirs: RelPath[] = []
  for (let dir = parentOf(path); dir !== ''; dir = parentOf(dir)) dirs.unshift(dir)
  return dirs
}
