/**
 * The archive as the operator sees it: list, restore, purge; and what has been kept for its time goes by itself. That time
 * is what daemons have run, not what a clock says: one that is wrong by years must not empty the archive.
 */
import { type RelPath } from '../base/brand.ts'
import { type Clock } from '../base/clock.ts'
import { type Log } from '../base/log.ts'
import { type PurgeWhat } from '../api/api-types.ts'
import { type ArchivedContent, type FolderIndex } from '../db/index-port.ts'
import { FsError, type Root } from '../fs/root.ts'
import { HashedFileChanged, type Hasher } from '../scan/hasher.ts'
import { isKnownContent, reasonTold } from '../sync/archive-reason.ts'
import { rootHash } from '../sync/piece-list.ts'
import { type Committer } from './committer.ts'
import { type PathLocks } from './path-locks.ts'

/** How often the archive is looked through for files past their time. What comes in between is kept so much longer. */
const EXPIRE_EVERY_MS = 3_600_000

/** What the operator asked for cannot be done; the message says why and what to do. */
export class ArchiveRefusal extends Error {
  override readonly name = 'ArchiveRefusal'
  readonly why: 'not-found' | 'in-the-way' | 'rotten' | 'halted'
  constructor(why: ArchiveRefusal['why'], sentence: string) {
    super(sentence)
    this.why = why
  }
}

export interface ArchiveKeeperNeeds {
  readonly disk: Pick<Root, 'stat' | 'restore' | 'openArchived' | 'purgeArchived'>
  readonly index: Pick<FolderIndex, 'archive' | 'archivedBefore' | 'usedMs' | 'recordsOf'>
  /** Null while the root is the one that the index speaks of; else why nothing may be done in it. */
  readonly rootTrouble: () => Promise<string | null>
  readonly hasher: Pick<Hasher, 'hash'>
  readonly committer: Pick<Committer, 'commit'>
  readonly locks: PathLocks
  /** A file of the operator's stands at this path now: announce it without waiting for it to settle. */
  readonly takeNow: (path: RelPath) => Promise<void>
  readonly clock: Clock
  readonly log: Log
}

export class ArchiveKeeper {
  readonly #needs: ArchiveKeeperNeeds
  readonly #ttlMs: () => number | null
  #cancel: () => void = () => {}
  #countedMs: number

  /** `ttlMs` is asked each time: it may be reloaded. Null: nothing is removed by itself. */
  constructor(options: { ttlMs: () => number | null }, needs: ArchiveKeeperNeeds) {
    this.#ttlMs = options.ttlMs
    this.#needs = needs
    this.#countedMs = needs.clock.elapsed()
  }

  /** Newest first. */
  list(): readonly ArchivedContent[] {
    const newestFirst = [...this.#needs.index.archive()].sort((a, b) => b.archivedMs - a.archivedMs)
    return newestFirst.map((file) => ({ ...file, reason: this.#reasonOf(file) }))
  }

  /** Records may come later than the file was found, so they are asked each time. */
  #reasonOf({ path, root, reason }: ArchivedContent): ArchivedContent['reason'] {
    return reason === 'unknown' ? (reasonTold(root, this.#needs.index.recordsOf(path)) ?? 'unknown') : reason
  }

  /**
   * Moves an archived file back to its path (or `to`) and announces it as a change of this moment, so that it comes
   * back on every host. `name` is the name in the archive, or the path it had: then the newest of that path that is
   * not known to have rotted, and cannot have without its being known.
   */
  async restore(name: string, to: RelPath | null): Promise<{ name: string; path: RelPath }> {
    const file = this.#find(name)
    await this.#assertRoot()
    await this.#assertSound(file)
    const path = to ?? file.path
    await this.#needs.locks.with([path], async () => {
      if ((await this.#needs.disk.stat(path)) !== null)
        throw new ArchiveRefusal(
          'in-the-way',
          `${path} is there: move it away first, or restore under another name with --to`,
        )
      await this.#needs.disk.restore(file.name, path)
      await this.#needs.committer.commit(() => [{ op: 'unarchived', name: file.name }])
    })
    this.#needs.log.info({ path, archived: file.name }, `restored ${path} from the archive`)
    await this.#needs.takeNow(path)
    return { name: file.name, path }
  }

  #find(name: string): ArchivedContent {
    const { index } = this.#needs
    const files = this.list()
    const ofPath = files.filter((file) => file.path === name && file.reason !== 'rotten')
    const isSound = ({ path, root, reason }: ArchivedContent) =>
      reason !== 'unknown' || isKnownContent(root, index.recordsOf(path))
    const file = files.find((file) => file.name === name) ?? ofPath.find(isSound)
    if (file !== undefined) return file
    const why =
      ofPath.length === 0
        ? `${name} is not in the archive; \`isosyncd archive list\` shows what is`
        : `what is in the archive of ${name} was put there before the index was lost, and may have rotted: restore it by its full name, as \`isosyncd archive list\` shows it`
    throw new ArchiveRefusal('not-found', why)
  }

  /** Removes archived files for good. */
  async purge(what: PurgeWhat): Promise<{ files: number; bytes: number }> {
    const chosen = this.list().filter((file) => matches(what, file, this.#needs.clock.now()))
    if (what.what === 'name' && chosen.length === 0)
      throw new ArchiveRefusal(
        'not-found',
        `${what.name} is not in the archive; \`isosyncd archive list\` shows what is`,
      )
    await this.#assertRoot()
    for (const file of chosen) await this.#purge(file)
    return { files: chosen.length, bytes: chosen.reduce((sum, file) => sum + file.size, 0) }
  }

  /** Starts removing what is past its time, now and every hour. */
  start(): void {
    this.#cancel = this.#needs.clock.after(EXPIRE_EVERY_MS, () => this.start())
    void this.#expire()
  }

  /** Resolves when the time until now is noted, which waits for the next transaction. */
  async stop(): Promise<void> {
    this.#cancel()
    await this.#count()
  }

  async #expire(): Promise<void> {
    await this.#count()
    const ttlMs = this.#ttlMs()
    if (ttlMs === null || (await this.#needs.rootTrouble()) !== null) return
    const { index } = this.#needs
    await this.#purgeAll(index.archivedBefore(index.usedMs() - ttlMs - EXPIRE_EVERY_MS))
  }

  /** Notes how long this has run since it was noted last. With nothing in the archive there is nothing to count for. */
  async #count(): Promise<void> {
    const { clock, committer, index } = this.#needs
    const sinceMs = clock.elapsed() - this.#countedMs
    this.#countedMs += sinceMs
    if (sinceMs === 0 || index.archive().length === 0) return
    // What keeps the index from noting it says so by itself; files are kept longer then.
    await committer.commit(() => [{ op: 'used', ms: index.usedMs() + sinceMs }]).catch(() => {})
  }

  /** What is missing because its disk is not there must not be forgotten. */
  async #assertRoot(): Promise<void> {
    const trouble = await this.#needs.rootTrouble()
    if (trouble !== null) throw new ArchiveRefusal('halted', trouble)
  }

  /** Restored, it would be announced as whatever lies there now: rot must not come to all hosts that way. */
  async #assertSound({ name, root, size }: ArchivedContent): Promise<void> {
    const file = await this.#needs.disk.openArchived(name)
    try {
      const lies = await this.#needs.hasher.hash(file, size, () => {}, new AbortController().signal)
      if (rootHash(lies) === root) return
    } catch (error) {
      if (!(error instanceof HashedFileChanged)) throw error
    } finally {
      await file.close()
    }
    throw new ArchiveRefusal(
      'rotten',
      `${name} has rotted in the archive, or was changed there: it is not what was archived. Restore it on another host that has it, and purge this one`,
    )
  }

  async #purgeAll(files: readonly ArchivedContent[]): Promise<void> {
    for (const file of files)
      await this.#purge(file).catch((error: unknown) =>
        this.#needs.log.warn(
          { archived: file.name, err: error },
          `could not remove ${file.name}; tried again in an hour`,
        ),
      )
  }

  async #purge(file: ArchivedContent): Promise<void> {
    try {
      await this.#needs.disk.purgeArchived(file.name)
    } catch (error) {
      if (!(error instanceof FsError && error.code === 'missing')) throw error
    }
    await this.#needs.committer.commit(() => [{ op: 'unarchived', name: file.name }])
    this.#needs.log.info({ path: file.path, archived: file.name }, `removed ${file.name} from the archive`)
  }
}

function matches(what: PurgeWhat, file: ArchivedContent, nowMs: number): boolean {
  switch (what.what) {
    case 'all':
      return true
    case 'name':
      return file.name === what.name
    case 'older':
      return nowMs - file.archivedMs > what.days * 86_400_000
  }
}
