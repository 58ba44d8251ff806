/**
 * The archive: replaced and deleted files, moved here by rename, so that whoever has one open keeps it. The
 * sub-directories of the tree are kept, and go when their last file goes.
 */
import { type RelPath } from '../base/brand.ts'
import { type Stat } from '../sync/entry.ts'
import { archiveName } from './archive-name.ts'
import { checkExpected } from './expected.ts'
import { attempt, changedError, codeOf } from './fs-errors.ts'
import { type DirHandle, isNothing, type Leaf } from './handles.ts'
import { type Layout, type Place } from './layout.ts'
import { listDirectory } from './listing.ts'
import { isMoved, renameNew } from './moves.ts'
import { openRegular } from './open-file.ts'
import { type ArchivedFile, FsError, type OpenFile } from './root.ts'
import { removeDir, unlinkFile } from './system-calls.ts'

/** How often a directory of the archive is made again after it was removed, empty, under our hands. */
const DIRECTORY_TRIES = 3

/** A file that has just been moved into the archive. Holds the handle of its directory: take it with `using`. */
export class Taken implements Disposable {
  readonly file: ArchivedFile
  readonly #from: Leaf
  readonly #at: Leaf

  constructor(file: ArchivedFile, from: Leaf, at: Leaf) {
    this.file = file
    this.#from = from
    this.#at = at
  }

  /** Moves it back to where it was, unless something new stands there: then it stays in the archive. */
  async undo(): Promise<void> {
    await renameNew(this.#at, this.#from)
  }

  sync(): Promise<void> {
    return this.#at.dir.sync()
  }

  [Symbol.dispose](): void {
    this.#at.dir[Symbol.dispose]()
  }
}

export class Archive {
  readonly #layout: Layout

  constructor(layout: Layout) {
    this.#layout = layout
  }

  /**
   * Moves what stands at `place` into the archive, if it is what `expected` says. It is looked at again once it has
   * been moved: what a user put there in the last moment goes back. The directories are not synced yet.
   */
  async take(place: Place, path: RelPath, expected: Stat, nowMs: number): Promise<Taken> {
    checkExpected(place, expected)
    const taken = await this.#moveIn(place, path, nowMs)
    if (isMoved(expected, taken.file.stat)) return taken
    using unexpected = taken
    await unexpected.undo()
    throw changedError(place.shown)
  }

  async list(): Promise<ArchivedFile[]> {
    const found: ArchivedFile[] = []
    try {
      await this.#listBelow([], found)
    } catch (error) {
      if (!isNothing(error)) throw error
    }
    return found
  }

  async open(name: string): Promise<OpenFile> {
    using place = this.#layout.archivedPlace(name)
    return openRegular(place)
  }

  /** Moves an archived file to `to`, where nothing may stand; syncs both directories. */
  async restore(name: string, to: Place): Promise<void> {
    using place = this.#regular(name)
    if (!(await renameNew(place, to))) throw changedError(to.shown)
    await to.dir.sync()
    await place.dir.sync()
    await this.#removeEmpty(name)
  }

  async purge(name: string): Promise<void> {
    using place = this.#regular(name)
    await attempt(place.shown, 'cannot remove it', () => unlinkFile(place.dir.at(place.name)))
    await this.#removeEmpty(name)
  }

  #regular(name: string): Place {
    const place = this.#layout.archivedPlace(name)
    const kind = place.dir.lstat(place.name)?.kind
    if (kind === 'file') return place
    place[Symbol.dispose]()
    throw new FsError('missing', place.shown, 'there is no such file in the archive')
  }

  async #moveIn(place: Place, path: RelPath, nowMs: number): Promise<Taken> {
    const parents = path.split('/').slice(0, -1)
    for (let tries = 1; ; tries++) {
      const dir = await this.#layout.makeArchive(parents)
      try {
        return await this.#moveInto(dir, parents, place, nowMs)
      } catch (error) {
        dir[Symbol.dispose]()
        // Its last file went, and the directory with it, since we made it.
        if (codeOf(causeOf(error)) !== 'missing' || tries === DIRECTORY_TRIES) throw error
        if (place.dir.lstat(place.name) === null) throw changedError(place.shown)
      }
    }
  }

  async #moveInto(dir: DirHandle, parents: readonly string[], place: Place, nowMs: number): Promise<Taken> {
    for (let number = 0; ; number++) {
      const name = archiveName(place.name, nowMs, number)
      if (!(await renameNew(place, { dir, name }))) continue
      const stat = dir.lstat(name)
      if (stat === null) throw changedError(dir.showChild(name))
      return new Taken({ name: [...parents, name].join('/'), stat }, place, { dir, name })
    }
  }

  async #listBelow(names: readonly string[], found: ArchivedFile[]): Promise<void> {
    using dir = this.#layout.openArchive(names)
    const { children } = await listDirectory(dir, () => false)
    for (const { name, stat } of children) {
      if (stat.kind === 'file') found.push({ name: [...names, name].join('/'), stat })
      if (stat.kind === 'directory') await this.#listBelow([...names, name], found)
    }
  }

  /** Removes the directories that `name` was the last file of, from the inside out. */
  async #removeEmpty(name: string): Promise<void> {
    const names = name.split('/').slice(0, -1)
    try {
      for (let last = names.pop(); last !== undefined; last = names.pop()) {
        using dir = this.#layout.openArchive(names)
        await removeDir(dir.at(last))
      }
    } catch {
      // Another file is in it, or another took it away: either way there is no more to do.
    }
  }
}

function causeOf(error: unknown): unknown {
  return error instanceof FsError ? error.cause : error
}
