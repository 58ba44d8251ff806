/**
 * The ways in which a decision changes the tree, each followed by its index commit and only then announced. The
 * caller holds the path's lock. Everything that would be replaced must look as the index last saw it; otherwise the
 * root refuses with 'changed' and the path is scanned first.
 */
import { type RelPath, type RootHash } from '../base/brand.ts'
import { type Clock } from '../base/clock.ts'
import { type Log } from '../base/log.ts'
import { type Change, type FolderIndex } from '../db/index-port.ts'
import { type ArchivedFile, type ArchiveReason, FsError, type OldFile, type Root } from '../fs/root.ts'
import { type Entry, type FileEntry, type Stat } from '../sync/entry.ts'
import { type Decision, reconcile } from '../sync/reconcile.ts'
import { isSmall, smallList } from '../sync/small-content.ts'
import { compareVersions, noVersion, type Version } from '../sync/version.ts'
import { type Committer } from './committer.ts'
import { type PathLocks } from './path-locks.ts'

type Do<K extends Decision['do']> = Extract<Decision, { do: K }>

/** What the tree needs of the transfers. */
export interface Contents {
  /** True, once, when it is whole in staging: the caller installs it, and says how that went. */
  claim(root: RootHash): boolean
  unclaim(root: RootHash): void
  /** What is claimed, where it is small and in memory; null: it lies in staging. */
  bytesOf(root: RootHash): Uint8Array | null
  /** What was staged has gone or is not to be believed: it must be fetched again. */
  spoiled(root: RootHash): Promise<void>
  /** It has left staging for its place in the tree. */
  installed(path: RelPath, root: RootHash): Promise<void>
  /** Fetch it; the path is considered again when it is whole. */
  fetch(path: RelPath, root: RootHash, size: number): void
  /** The path wants nothing fetched any more. */
  release(path: RelPath): void
}

export interface TreeChangesNeeds {
  readonly disk: Root
  readonly index: Pick<FolderIndex, 'entry' | 'recordsOf' | 'entriesHolding' | 'rotten'>
  readonly committer: Pick<Committer, 'commit'>
  readonly locks: PathLocks
  readonly contents: Contents
  /** Where a replaced or deleted file of `size` bytes goes. */
  readonly oldFile: (size: number) => OldFile
  /** What stands at the path, if anything does, is still to be looked at or read: with a new index all is. */
  readonly isUnread: (path: RelPath) => boolean
  readonly clock: Pick<Clock, 'now'>
  readonly log: Log
}

export class TreeChanges {
  readonly #needs: TreeChangesNeeds
  /** Archived files that the index could not be told of yet. */
  #untold: Change[] = []

  constructor(needs: TreeChangesNeeds) {
    this.#needs = needs
  }

  /** What lies here is the winner's content already; of a tombstone: nothing does. */
  async adopt(path: RelPath, { version, mtimeUs }: Do<'adopt'>): Promise<void> {
    const entry = this.#needs.index.entry(path) ?? { kind: 'absent', path, version }
    // Unread yet (the index is new): taken for absent, it would look like a file made anew after the deletion.
    if (entry.kind === 'absent' && (await this.#needs.disk.stat(path)) !== null)
      throw new FsError('changed', path, 'something stands there that has not been scanned yet')
    if (entry.kind !== 'file' || mtimeUs === null) {
      await this.#checkStanding(entry)
      return await this.#commit({ ...entry, version })
    }
    const stat = await this.#needs.disk.setMtime(path, mtimeUs, statOf(entry))
    await this.#commit(fileEntry(path, entry.root, version, stat))
  }

  /** We may have taken it away for a deletion before the last crash, and it has been made again elsewhere since. */
  async #checkStanding({ kind, path, version }: Entry): Promise<void> {
    if (kind === 'absent' || compareVersions(version, noVersion) === 'equal') return
    if ((await this.#needs.disk.stat(path)) === null) throw new FsError('missing', path, 'it is not there any more')
  }

  /** From staging, or by renaming a file that is to go, or not yet: then it is fetched first. */
  async install(path: RelPath, { winner, version, replaces }: Do<'fetch'>): Promise<void> {
    const { disk, contents, index, log } = this.#needs
    const entry = index.entry(path)
    // A small one that has come is at hand sooner than a file that has it is looked for.
    const isAtHand = contents.bytesOf(winner.root) !== null
    if (!isAtHand && isNothing(entry) && (await this.#moveHere(path, winner.root, winner.mtimeUs, version)))
      return contents.release(path)
    if (!contents.claim(winner.root)) {
      // A look at each of many small files costs more than now and then one that comes for nothing.
      const looks = isNothing(entry) && (!isSmall(winner.size) || this.#needs.isUnread(path))
      if (looks && (await disk.stat(path)) !== null)
        throw new FsError('changed', path, 'something stands there that has not been scanned yet')
      return contents.fetch(path, winner.root, winner.size)
    }
    const heals = !isNothing(entry) && this.#isRotten(path)
    let oldName: string | null = null
    try {
      const expected = await this.#makeWay(path, entry)
      const old = this.#needs.oldFile(entry?.kind === 'file' ? entry.size : 0)
      const bytes = contents.bytesOf(winner.root)
      const staged = bytes === null ? winner.root : { root: winner.root, bytes }
      const installed = disk.install(staged, path, winner.mtimeUs, expected, old)
      const { stat, archived } = await installed.catch((error: unknown) => this.#notInstalled(winner.root, error))
      oldName = archived?.name ?? null
      await this.#commit(fileEntry(path, winner.root, version, stat), [
        ...(bytes === null ? [] : [{ op: 'content', root: winner.root, list: smallList(bytes) } as const]),
        ...this.#archived(entry, archived, heals ? 'rotten' : replaces),
      ])
    } catch (error) {
      contents.unclaim(winner.root)
      throw error
    }
    await contents.installed(path, winner.root)
    const did = heals ? healed(path, oldName) : `received ${path}`
    log.info({ path, size: winner.size, root: winner.root }, did)
  }

  /** What was staged has gone or cannot be read. What was in its way and has gone says nothing of it. */
  async #notInstalled(root: RootHash, error: unknown): Promise<never> {
    if (error instanceof FsError && (error.code === 'io' || error.code === 'missing'))
      await this.#needs.contents.spoiled(root)
    throw error
  }

  /** Takes out of the tree what a tombstone says. */
  async remove(path: RelPath, { version }: Do<'archive'>): Promise<void> {
    const entry = this.#needs.index.entry(path)
    const why = this.#isRotten(path) ? 'rotten' : 'deleted'
    const archived = await this.#takeAway(path, entry)
    await this.#commit({ kind: 'absent', path, version }, this.#archived(entry, archived, why))
    const where = archived === null ? 'removed' : `archived as ${archived.name}`
    this.#needs.log.info({ path, archived: archived?.name ?? null }, `${path} was deleted on another host: ${where}`)
  }

  /**
   * Takes out of the tree what lies under `file`, a path where a file has won. The entry takes up no version: when there is a directory
   * again, the records ask for it as if it had never been here.
   */
  async bury(path: RelPath, file: RelPath): Promise<void> {
    const entry = this.#needs.index.entry(path)
    if (isNothing(entry)) return
    if (this.#needs.index.entry(file)?.kind !== 'directory')
      throw new FsError('changed', path, `${file} is no longer the file that was there`)
    const archived = await this.#takeAway(path, entry)
    await this.#commit({ kind: 'absent', path, version: noVersion }, this.#archived(entry, archived, 'conflict'))
  }

  async makeDirectory(path: RelPath, { version, replaces }: Do<'make-directory'>): Promise<void> {
    const entry = this.#needs.index.entry(path)
    const archived = isNothing(entry) ? null : await this.#takeAway(path, entry)
    await this.#needs.disk.makeDirectory(path)
    await this.#commit({ kind: 'directory', path, version }, this.#archived(entry, archived, replaces))
  }

  async makeLink(path: RelPath, { winner, version, replaces }: Do<'make-link'>): Promise<void> {
    const { disk, index } = this.#needs
    const entry = index.entry(path)
    const expected = await this.#makeWay(path, entry)
    const old = this.#needs.oldFile(entry?.kind === 'file' ? entry.size : 0)
    const { archived } = await disk.makeLink(path, winner.target, expected, old)
    await this.#commit(
      { kind: 'link', path, version, target: winner.target },
      this.#archived(entry, archived, replaces),
    )
    this.#needs.log.info({ path, target: winner.target }, `received link ${path}`)
  }

  /** What the root must find at `path`; a directory that is in the way is removed first. */
  async #makeWay(path: RelPath, entry: Entry | null): Promise<Stat | null> {
    switch (entry?.kind) {
      case 'file':
        return statOf(entry)
      case 'link':
        return await this.#linkStat(path, entry.target)
      case 'directory':
        await this.#needs.disk.removeDirectory(path)
        return null
      default:
        return null
    }
  }

  async #takeAway(path: RelPath, entry: Entry | null): Promise<ArchivedFile | null> {
    if (entry?.kind === 'directory') {
      await this.#needs.disk.removeDirectory(path)
      return null
    }
    if (entry === null || entry.kind === 'absent') return null
    const expected = entry.kind === 'file' ? statOf(entry) : await this.#linkStat(path, entry.target)
    return await this.#needs.disk.remove(path, expected, this.#needs.oldFile(entry.kind === 'file' ? entry.size : 0))
  }

  async #linkStat(path: RelPath, target: string): Promise<Stat> {
    const stat = await this.#needs.disk.stat(path)
    if (stat?.kind === 'link' && (await this.#needs.disk.readLink(path)) === target) return stat
    throw new FsError('changed', path, 'it is no longer the link that was there')
  }

  /**
   * A file of this folder that a tombstone takes away has the content: renamed here, nothing is sent or copied. Whoever works
   * on that file may be waiting for `path`, whose lock we hold: then it is not waited for, and its pieces are copied.
   */
  async #moveHere(path: RelPath, root: RootHash, mtimeUs: number, version: Version): Promise<boolean> {
    const { index, locks, disk } = this.#needs
    const goes = (from: RelPath) => reconcile(index.entry(from), index.recordsOf(from))
    const source = index.entriesHolding(root).find((entry) => goes(entry.path).do === 'archive')
    if (source === undefined) return false
    const moved = await locks.ifFree(source.path, async () => {
      const entry = index.entry(source.path)
      const decision = goes(source.path)
      if (entry?.kind !== 'file' || entry.root !== root || decision.do !== 'archive') return false
      const stat = await disk.move(source.path, path, statOf(entry), mtimeUs)
      await this.#needs.committer.commit(() => [
        { op: 'entry', entry: fileEntry(path, root, version, stat) },
        { op: 'entry', entry: { kind: 'absent', path: source.path, version: decision.version } },
      ])
      this.#needs.log.info({ path, from: source.path }, `renamed ${source.path} to ${path}`)
      return true
    })
    return moved ?? false
  }

  #archived(
    entry: Entry | null,
    file: ArchivedFile | null,
    why: 'nothing' | 'newer' | ArchiveReason,
  ): readonly Change[] {
    if (file === null || entry?.kind !== 'file') return []
    const { path, root, size } = entry
    if (why === 'conflict')
      this.#needs.log.warn(
        { path, archived: file.name },
        `${path} was changed on two hosts at the same time; this host's is in the archive as ${file.name}`,
      )
    const reason = why === 'nothing' || why === 'newer' ? 'replaced' : why
    return [
      { op: 'archived', file: { name: file.name, path, root, size, reason, archivedMs: this.#needs.clock.now() } },
    ]
  }

  #isRotten(path: RelPath): boolean {
    return this.#needs.index.rotten().some((file) => file.path === path)
  }

  /** What has been archived is told with the next commit where one fails: else nobody would find it there. */
  async #commit(entry: Entry, more: readonly Change[] = []): Promise<void> {
    const archived = [...this.#untold, ...more]
    this.#untold = []
    try {
      await this.#needs.committer.commit(() => [{ op: 'entry', entry }, ...archived])
    } catch (error) {
      this.#untold.push(...archived)
      throw error
    }
  }
}

export function statOf(entry: FileEntry): Stat {
  const { size, mtimeUs, ctimeUs, inode } = entry
  return { kind: 'file', size, mtimeUs, ctimeUs, inode }
}

export function fileEntry(path: RelPath, root: RootHash, version: Version, stat: Stat): FileEntry {
  const { size, mtimeUs, ctimeUs, inode } = stat
  return { kind: 'file', path, root, version, size, mtimeUs, ctimeUs, inode }
}

function healed(path: RelPath, archived: string | null): string {
  return `healed ${path}${archived === null ? '' : `: the rotten copy is in the archive as ${archived}`}`
}

function isNothing(entry: Entry | null): boolean {
  return entry === null || entry.kind === 'absent'
}
