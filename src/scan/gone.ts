/** What the index knows and the disk has no more. Told children first, and only after a second look at each path. */
import { type DirPath, type RelPath } from '../base/brand.ts'
import { type Entry } from '../sync/entry.ts'
import { type ScannerNeeds } from './scan-needs.ts'
import { lookFailed } from './scan-problems.ts'
import { type Sighting } from './sighting.ts'

/** `path`, if it is missing indeed. The caller has listed its directory, or seen that there is none, without error. */
export async function* gone(needs: ScannerNeeds, path: RelPath): AsyncGenerator<Sighting> {
  if (needs.ignored(path)) return
  try {
    if ((await needs.root.stat(path)) !== null) return // it is back: its hint, or the next rescan, sees it
  } catch (error) {
    const problem = lookFailed(path, error)
    if (problem !== null) yield problem
    return
  }
  const entry = needs.index.entry(path)
  if (entry !== null && entry.kind !== 'absent') yield { seen: 'missing', path, entry }
}

/** All entries in `dir` and the directories below it, except in those that `passOver` names. */
export async function* goneUnder(
  needs: ScannerNeeds,
  dir: DirPath,
  passOver: (dir: DirPath) => boolean = () => false,
): AsyncGenerator<Sighting> {
  const dirs = [...needs.index.directoriesWithEntries(dir)].filter((found) => !passOver(found))
  for (const found of dirs.reverse()) {
    for (const entry of reversed(needs.index.entriesIn(found))) yield* gone(needs, entry.path)
  }
}

function reversed(entries: readonly Entry[]): readonly Entry[] {
  return [...entries].reverse()
}
