/** What the scanner saw: each a difference between the tree and the index, or a problem; what is the same is not told. */
import { type RelPath } from '../base/brand.ts'
import { type Entry, type Stat } from '../sync/entry.ts'
import { type Problem } from '../sync/problem.ts'

export type Sighting =
  /** New, or with another stat than the entry says. */
  | { readonly seen: 'file'; readonly path: RelPath; readonly stat: Stat; readonly entry: Entry | null }
  | { readonly seen: 'directory'; readonly path: RelPath; readonly stat: Stat; readonly entry: Entry | null }
  | {
      readonly seen: 'link'
      readonly path: RelPath
      readonly stat: Stat
      readonly target: string
      readonly entry: Entry | null
    }
  /** The parent listed without error, and a second look found nothing either. */
  | { readonly seen: 'missing'; readonly path: RelPath; readonly entry: Entry }
  | { readonly seen: 'problem'; readonly problem: Problem }
