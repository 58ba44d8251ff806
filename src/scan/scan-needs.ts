/** What the scanner needs of the other rooms: a few verbs each. */
import { type DirPath, type RelPath } from '../base/brand.ts'
import { type Clock } from '../base/clock.ts'
import { type Root } from '../fs/root.ts'
import { type Entry } from '../sync/entry.ts'

/** The part of the index (FolderIndex) that says what was seen last. */
export interface SeenBefore {
  entry(path: RelPath): Entry | null
  entriesIn(dir: DirPath): readonly Entry[]
  directoriesWithEntries(dir: DirPath): Iterable<DirPath>
}

export interface ScannerNeeds {
  readonly root: Pick<Root, 'list' | 'stat' | 'readLink'>
  readonly index: SeenBefore
  /** Neither seen nor missed, and nothing below it. */
  readonly ignored: (path: RelPath) => boolean
  readonly clock: Pick<Clock, 'elapsed' | 'sleep'>
}
