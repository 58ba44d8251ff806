/**
 * Putting something new under a final name, in the order that leaves no wrong byte there (README, "Disk"):
 *
 *   1. owner, mode and mtime of the staged file, and fsync
 *   2. what stands there is what the caller believes, or nothing is done
 *   3. the old file is renamed into the archive
 *   4. the staged file is renamed to its final name, replacing nothing that came meanwhile
 *   5. fsync of both directories, the archive's first: a crash between the two must not lose the old file
 *
 * If 4 fails, 3 is undone, so that a full disk never makes a file vanish.
 */
import { closeSync } from 'node:fs'
import { setTimes } from '../base/native.ts'
import { type RelPath, type RootHash } from '../base/brand.ts'
import { assertNever } from '../base/assert.ts'
import { type Stat } from '../sync/entry.ts'
import { type Archive, type Taken } from './archive.ts'
import { checkExpected } from './expected.ts'
import { attempt, attemptNow, changedError } from './fs-errors.ts'
import { type GroupSyncs } from './group-syncs.ts'
import { type Leaf } from './handles.ts'
import { type Layout, type Place } from './layout.ts'
import { isMoved, publishNew, renameOver } from './moves.ts'
import { giveTo } from './ownership.ts'
import { type ArchivedFile, type OldFile, type Staged } from './root.ts'
import { type Staging } from './staging.ts'
import { statOfOpen } from './stats.ts'
import { removeDir, syncFile } from './system-calls.ts'

export interface PublishNeeds {
  readonly layout: Layout
  readonly staging: Staging
  readonly archive: Archive
  readonly syncs: GroupSyncs
}

/** What stands at a path, as the caller believes, and what becomes of it. */
export interface Before {
  readonly expected: Stat | null
  readonly old: OldFile
}

/** Publishes a staged content at `path`. */
export async function publishStaged(
  { layout, staging, archive, syncs }: PublishNeeds,
  staged: Staged,
  { path, mtimeUs, before }: { readonly path: RelPath; readonly mtimeUs: number; readonly before: Before },
): Promise<{ stat: Stat; archived: ArchivedFile | null }> {
  using place = await layout.makePlace(path)
  using dir = await layout.makeStaging()
  const root = typeof staged === 'string' ? staged : staged.root
  const ticket = syncs.ticket()
  const isSmall = typeof staged !== 'string'
  const fd = isSmall ? await staging.write(dir, staged) : await staging.seal(dir, staged)
  try {
    const sync = isSmall ? () => syncs.sync(fd, ticket) : () => syncFile(fd)
    await prepare({ layout, staging, sync }, root, fd, mtimeUs)
    const ours = statOfOpen(fd, path)
    const archived = await replace(archive, { dir, name: root }, place, path, before)
    return { stat: whatWasPut(ours, statOfOpen(fd, path)), archived }
  } finally {
    closeSync(fd)
  }
}

/**
 * The stat by which the file is known from now on. Users may write to it as soon as it has its name: then the stat of before,
 * which does not fit what is there, so that their content is taken up as theirs and not for ours gone rotten.
 */
function whatWasPut(ours: Stat, now: Stat): Stat {
  return isMoved(ours, now) ? now : ours
}

/** Step 1. A failed fsync throws the staged file away: a second one would report success for lost bytes. */
async function prepare(
  { layout, staging, sync }: Pick<PublishNeeds, 'layout' | 'staging'> & { readonly sync: () => Promise<void> },
  root: RootHash,
  fd: number,
  mtimeUs: number,
): Promise<void> {
  const shown = `${layout.metaDir}/staging/${root}`
  await giveTo(fd, shown, layout.fileOwnership)
  attemptNow(shown, 'cannot set its time', () => setTimes(fd, mtimeUs))
  await attempt(shown, 'cannot write it out to disk, it is fetched again', async () => {
    await sync().catch(async (error: unknown) => {
      await staging.drop(root)
      throw error
    })
  })
}

/** Steps 2 to 5, for anything that has been made ready at `fresh`. Gives the archived old file, if there is one. */
export async function replace(
  archive: Archive,
  fresh: Leaf,
  place: Place,
  path: RelPath,
  { expected, old }: Before,
): Promise<ArchivedFile | null> {
  checkExpected(place, expected)
  using taken = await takeOld(archive, place, path, { expected, old })
  const overwrites = taken === null && expected !== null && expected.kind !== 'directory'
  if (overwrites) await renameOver(fresh, place)
  else await publishOrUndo(fresh, place, taken)
  await taken?.sync()
  await place.dir.sync()
  return taken?.file ?? null
}

/** Step 3. Null where nothing is kept: nothing stands there, or the rename of step 4 replaces it. */
async function takeOld(
  archive: Archive,
  place: Place,
  path: RelPath,
  { expected, old }: Before,
): Promise<Taken | null> {
  if (expected === null) return null
  switch (expected.kind) {
    case 'link':
      return null
    case 'file':
      return old.to === 'nowhere' ? null : archive.take(place, path, expected, old.nowMs)
    case 'directory':
      await attempt(place.shown, 'cannot replace the directory', () => removeDir(place.dir.at(place.name)))
      return null
    case 'other':
      throw changedError(place.shown)
    default:
      return assertNever(expected.kind)
  }
}

async function publishOrUndo(fresh: Leaf, place: Place, taken: Taken | null): Promise<void> {
  let done: boolean
  try {
    done = await publishNew(fresh, place)
  } catch (error) {
    await taken?.undo()
    throw error
  }
  if (!done) throw changedError(place.shown)
}
