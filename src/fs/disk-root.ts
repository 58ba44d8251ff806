/** The real Root: one directory on disk, with its staging and archive (layout.ts says where). */
import { setTimes } from '../base/native.ts'
import { type DirPath, type RelPath, type RootHash } from '../base/brand.ts'
import { type Stat } from '../sync/entry.ts'
import { Archive } from './archive.ts'
import { checkExpected } from './expected.ts'
import { attempt, attemptNow, changedError, notTrustedError } from './fs-errors.ts'
import { diskSyncs } from './group-syncs.ts'
import { type DiskRootOptions, Layout, type Place } from './layout.ts'
import { isLinkName, newLinkName, readLink, stageLink } from './links.ts'
import { listDirectory } from './listing.ts'
import { makeOneDirectory } from './make-directories.ts'
import { assertWritable, readIgnoreList, readMarker, writeMarker } from './meta-files.ts'
import { isMoved, renameNew } from './moves.ts'
import { openRegular } from './open-file.ts'
import { publishStaged, replace } from './publish.ts'
import {
  type ArchivedFile,
  type Installed,
  type Listing,
  type Marker,
  type OldFile,
  type OpenFile,
  type Root,
  type Staged,
  type StagedFile,
} from './root.ts'
import { checkSameFilesystem } from './same-filesystem.ts'
import { Staging } from './staging.ts'
import { statOfOpen } from './stats.ts'
import { removeDir, statFilesystem, syncFile, unlinkFile } from './system-calls.ts'

/**
 * A root, which need not be there yet: its disk may be mounted later. Makes nothing: what is not the folder we know
 * (an empty mount point) must not be written to.
 */
export function openDiskRoot(options: DiskRootOptions): DiskRoot {
  return new DiskRoot(new Layout(options))
}

export class DiskRoot implements Root {
  readonly #layout: Layout
  readonly #staging: Staging
  readonly #archive: Archive
  readonly #syncs = diskSyncs()
  /** Which directory a marker was seen in; and where one that is ours was. */
  readonly #seenIn = new WeakMap<Marker, string>()
  #trusted: string | null = null
  /** Those on their way into the tree now. */
  readonly #stagedLinks = new Set<string>()

  constructor(layout: Layout) {
    this.#layout = layout
    this.#staging = new Staging(layout)
    this.#archive = new Archive(layout)
  }

  async list(path: DirPath): Promise<Listing> {
    using dir = this.#layout.openDirectory(path)
    return await listDirectory(dir, (name) => this.#layout.isOurs(dir.showChild(name)))
  }

  async stat(path: RelPath): Promise<Stat | null> {
    using place = this.#layout.placeIfThere(path)
    return place === null ? null : place.dir.lstat(place.name)
  }

  async readLink(path: RelPath): Promise<string> {
    using place = this.#layout.place(path)
    return await readLink(place)
  }

  async open(path: RelPath): Promise<OpenFile> {
    using place = this.#layout.place(path)
    return openRegular(place)
  }

  /** Throws FsError: 'missing' or 'denied' for the directory, 'io' when meta_dir is on another filesystem. */
  assertUsable(): void {
    checkSameFilesystem(this.#layout)
  }

  async readMarker(): Promise<Marker | null> {
    using top = this.#layout.openTop() // no directory is no root without a marker: its disk may not be mounted yet
    const marker = await readMarker(this.#layout)
    if (marker !== null) this.#seenIn.set(marker, top.identity)
    return marker
  }

  async writeMarker(marker: Marker): Promise<void> {
    using top = this.#layout.openTop()
    await writeMarker(this.#layout, marker)
    this.#seenIn.set(marker, top.identity)
  }

  trust(marker: Marker): void {
    this.#trusted = this.#seenIn.get(marker) ?? null
  }

  readIgnoreList(defaultText: string): Promise<string> {
    return readIgnoreList(this.#layout, defaultText)
  }

  openStaged(root: RootHash): Promise<StagedFile> {
    return this.#staging.open(root)
  }

  renameStaged(from: RootHash, to: RootHash): Promise<void> {
    return this.#staging.rename(from, to)
  }

  listStaged(): Promise<readonly RootHash[]> {
    return this.#staging.list()
  }

  dropStaged(root: RootHash): Promise<void> {
    return this.#staging.drop(root)
  }

  dropLeftovers(): Promise<void> {
    return this.#staging.dropOthers((name) => isLinkName(name) && !this.#stagedLinks.has(name))
  }

  async install(
    staged: Staged,
    path: RelPath,
    mtimeUs: number,
    expected: Stat | null,
    old: OldFile,
  ): Promise<Installed> {
    this.#assertTrusted()
    const needs = { layout: this.#layout, staging: this.#staging, archive: this.#archive, syncs: this.#syncs }
    return await publishStaged(needs, staged, { path, mtimeUs, before: { expected, old } })
  }

  async move(from: RelPath, to: RelPath, expectedAt: Stat, mtimeUs: number | null): Promise<Stat> {
    this.#assertTrusted()
    using source = this.#layout.place(from)
    checkMovable(source, expectedAt)
    using target = await this.#layout.makePlace(to)
    if (!(await renameNew(source, target))) throw changedError(to)
    const moved = target.dir.lstat(target.name)
    if (moved === null || !isMoved(expectedAt, moved)) {
      await renameNew(target, source)
      throw changedError(from)
    }
    const stat = mtimeUs !== null && expectedAt.kind === 'file' ? await stampFile(target, mtimeUs) : moved
    await target.dir.sync()
    await source.dir.sync()
    return stat
  }

  async remove(path: RelPath, expected: Stat, old: OldFile): Promise<ArchivedFile | null> {
    this.#assertTrusted()
    using place = this.#layout.place(path)
    checkMovable(place, expected)
    if (old.to === 'nowhere' || expected.kind === 'link') {
      await attempt(path, 'cannot remove it', () => unlinkFile(place.dir.at(place.name)))
      await place.dir.sync()
      return null
    }
    using taken = await this.#archive.take(place, path, expected, old.nowMs)
    await taken.sync()
    await place.dir.sync()
    return taken.file
  }

  async makeDirectory(path: RelPath): Promise<Stat> {
    this.#assertTrusted()
    using place = await this.#layout.makePlace(path)
    await makeOneDirectory(place, this.#layout.dirOwnership)
    const stat = statAt(place)
    if (stat.kind !== 'directory') throw changedError(path)
    return stat
  }

  async removeDirectory(path: RelPath): Promise<void> {
    this.#assertTrusted()
    using place = this.#layout.place(path)
    await attempt(path, 'cannot remove the directory', () => removeDir(place.dir.at(place.name)))
    this.#layout.directoriesChanged()
    await place.dir.sync()
  }

  async makeLink(path: RelPath, target: string, expected: Stat | null, old: OldFile): Promise<Installed> {
    this.#assertTrusted()
    using place = await this.#layout.makePlace(path)
    using dir = await this.#layout.makeStaging()
    const fresh = { dir, name: newLinkName() }
    this.#stagedLinks.add(fresh.name)
    try {
      await stageLink(fresh, path, target, this.#layout.fileOwnership)
      const archived = await replace(this.#archive, fresh, place, path, { expected, old })
      return { stat: statAt(place), archived }
    } catch (error) {
      await unlinkFile(dir.at(fresh.name)).catch(() => {}) // gone if it was the sync that failed
      throw error
    } finally {
      this.#stagedLinks.delete(fresh.name)
    }
  }

  async setMtime(path: RelPath, mtimeUs: number, expected: Stat): Promise<Stat> {
    this.#assertTrusted()
    using place = this.#layout.place(path)
    checkExpected(place, expected)
    return await stampFile(place, mtimeUs)
  }

  listArchive(): Promise<readonly ArchivedFile[]> {
    return this.#archive.list()
  }

  openArchived(name: string): Promise<OpenFile> {
    return this.#archive.open(name)
  }

  async restore(name: string, path: RelPath): Promise<Stat> {
    this.#assertTrusted()
    using place = await this.#layout.makePlace(path)
    await this.#archive.restore(name, place)
    return statAt(place)
  }

  purgeArchived(name: string): Promise<void> {
    return this.#archive.purge(name)
  }

  assertWritable(): Promise<void> {
    return assertWritable(this.#layout)
  }

  async freeBytes(): Promise<number> {
    const { dir, options } = this.#layout
    const { bavail, bsize } = await attempt(dir, 'cannot see how full the disk is', () => statFilesystem(dir))
    return Math.max(0, bavail * bsize - options.minFreeBytes)
  }

  #assertTrusted(): void {
    if (this.#trusted === null) return
    using top = this.#layout.openDirectory('')
    if (top.identity !== this.#trusted) throw notTrustedError(this.#layout.dir)
  }
}

/** Only files and links are moved and removed by their stat; directories have calls of their own. */
function checkMovable(place: Place, expected: Stat): void {
  checkExpected(place, expected)
  if (expected.kind !== 'file' && expected.kind !== 'link') throw changedError(place.shown)
}

/** What stands at the place that we have just filled. */
function statAt(place: Place): Stat {
  const stat = place.dir.lstat(place.name)
  if (stat === null) throw changedError(place.shown)
  return stat
}

/** Gives the stat at that moment: what users write to the file while it is made safe must be seen as a change. */
async function stampFile(place: Place, mtimeUs: number): Promise<Stat> {
  const file = openRegular(place)
  try {
    attemptNow(place.shown, 'cannot set its time', () => setTimes(file.fd, mtimeUs))
    const stat = statOfOpen(file.fd, place.shown)
    await attempt(place.shown, 'cannot write it out to disk', () => syncFile(file.fd))
    return stat
  } finally {
    await file.close()
  }
}
