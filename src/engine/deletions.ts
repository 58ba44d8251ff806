/**
 * What has vanished from the tree on this host. Gathered first, because a rename is seen as a deletion and a new file
 * in any order: what turns up again under another name goes with the record of that name, in one transaction, and
 * whoever hears of both renames as well. The rest is looked at once more, and becomes tombstones.
 */
import { type RelPath } from '../base/brand.ts'
import { type Clock } from '../base/clock.ts'
import { type Log } from '../base/log.ts'
import { type FolderIndex } from '../db/index-port.ts'
import { type Root } from '../fs/root.ts'
import { type Entry, type Stat } from '../sync/entry.ts'
import { type Verdict } from '../sync/guard.ts'
import { type Brake, type Losing } from './brake.ts'
import { type Committer } from './committer.ts'
import { type LocalRecords, type Noted } from './local-records.ts'
import { type PathLocks } from './path-locks.ts'
import { type ProblemList } from './problem-list.ts'
import { type RefusedChanges } from './refused-changes.ts'

/** A rename comes as two events, and a rescan finds its halves at different times. */
const GATHER_MS = 500

export interface DeletionsNeeds {
  readonly disk: Pick<Root, 'stat'>
  readonly index: Pick<FolderIndex, 'entry' | 'entriesUnder'>
  readonly records: Pick<LocalRecords, 'note' | 'adopt' | 'mayAnnounce' | 'wasToGo'>
  readonly committer: Pick<Committer, 'commit'>
  readonly locks: PathLocks
  readonly problems: ProblemList
  /** True while a file with this inode waits to be announced, perhaps under another name. */
  readonly isComing: (inode: number) => boolean
  /** The root is there and is the one it was: only then is absence believed. */
  readonly rootIsSound: () => Promise<boolean>
  readonly announced: (paths: readonly RelPath[]) => void
  /** Look at the path again soon. */
  readonly lookAgain: (path: RelPath) => void
  readonly brake: Brake
  /** Files of the folder that are here now. */
  readonly files: () => number
  /** What a host with the read-only secret deletes. */
  readonly refused: Pick<RefusedChanges, 'deleted'>
  readonly clock: Pick<Clock, 'after'>
  readonly log: Log
}

export class Deletions {
  readonly #needs: DeletionsNeeds
  readonly #missing = new Map<RelPath, Entry>()
  readonly #byInode = new Map<number, RelPath>()
  /** Files that were here when the first of those that are missing was missed: what comes under new names is no more. */
  #filesBefore = 0
  #announcing = 0
  /** What stands in place of directories, and waits until it has been told what was in them. */
  readonly #replacing = new Set<RelPath>()
  #cancel: (() => void) | null = null
  #running: Promise<void> = Promise.resolve()

  constructor(needs: DeletionsNeeds) {
    this.#needs = needs
  }

  /** The scanner found nothing where the entry stood. */
  missing(path: RelPath, entry: Entry): void {
    if (this.#needs.brake.isHeld(path)) return
    if (this.#missing.size === 0) this.#filesBefore = this.#needs.files()
    const isNews = !this.#missing.has(path)
    this.#missing.set(path, entry)
    if (entry.kind === 'file') this.#byInode.set(entry.inode, path)
    // Whoever finds the same missing again and again must not keep it from being told.
    if (!isNews && this.#cancel !== null) return
    this.#cancel?.()
    this.#cancel = this.#needs.clock.after(GATHER_MS, () => void this.settle())
  }

  /** The path of a vanished file with this inode: it was renamed. */
  renamedFrom(inode: number): RelPath | null {
    return this.#byInode.get(inode) ?? null
  }

  /** True of a vanished file that was not written to since: it had settled, and need not again. */
  isRenamed({ inode, size, mtimeUs }: Stat): boolean {
    const from = this.renamedFrom(inode)
    const entry = from === null ? undefined : this.#missing.get(from)
    return entry?.kind === 'file' && entry.size === size && entry.mtimeUs === mtimeUs
  }

  /** The rename has been announced. */
  forget(path: RelPath): void {
    this.#take(path)
    this.#needs.brake.forget(path)
  }

  /** What has vanished and has not been told yet. */
  get count(): number {
    return this.#missing.size + this.#announcing
  }

  /** Turns what has been gathered, and is not on its way under another name, into tombstones. */
  settle(): Promise<void> {
    this.#cancel = null
    this.#running = this.#running
      .then(() => this.#settle())
      .catch((error: unknown) => {
        this.#needs.log.error({ err: error }, 'could not look at what has vanished; the next rescan does')
      })
    return this.#running
  }

  /**
   * A file stands where the directory was. True when all that lay in it has been told: else those deletions would
   * be taken for our own, because of the file, and never told. While one is held or on its way, the file waits too.
   */
  async haveEmptied(dir: RelPath): Promise<boolean> {
    await this.settle()
    if (this.#needs.index.entriesUnder(dir)[Symbol.iterator]().next().done === true) return true
    this.#replacing.add(dir)
    return false
  }

  /** The operator meant it: what the brake holds, or this one of it, is announced. Returns how many paths that were. */
  async approve(name: RelPath | null = null): Promise<number> {
    const { brake } = this.#needs
    const meant = brake.meant('deleted', name)
    await this.#announce(meant)
    for (const path of meant) brake.forget(path)
    return meant.length
  }

  /** The operator did not mean it: what the brake holds, and nobody has put there again, is fetched back from the others. */
  async discard(): Promise<number> {
    const { brake, committer, records, announced, locks } = this.#needs
    const held = brake.release('deleted')
    const gone = await locks.with(held, async () => {
      const absent = await this.#absent(held)
      await committer.commit(() => absent.flatMap((path) => records.adopt(path, { kind: 'absent' }, null)))
      return absent
    })
    announced(gone)
    this.#wakeReplacing()
    return held.length
  }

  /** What has come back to the disk need not be held any more. */
  async recheckHeld(): Promise<void> {
    for (const path of this.#needs.brake.held('deleted'))
      if ((await this.#needs.disk.stat(path).catch(() => null)) !== null) this.#needs.brake.forget(path)
  }

  stop(): void {
    this.#cancel?.()
  }

  async #settle(): Promise<void> {
    const gone: RelPath[] = []
    for (const [path, entry] of this.#missing)
      if (entry.kind !== 'file' || !this.#needs.isComing(entry.inode)) gone.push(path)
    if (gone.length < this.#missing.size) this.#cancel ??= this.#needs.clock.after(GATHER_MS, () => void this.settle())
    if (gone.length === 0) return
    // What is missing where the root is not is no news: the scan after it is back says what has really gone.
    if (!(await this.#needs.rootIsSound())) return gone.forEach((path) => this.#take(path))
    const news = new Set(gone.filter((path) => this.#isNews(path)))
    const verdict = this.#verdict([...news], this.#missing.size - gone.length)
    const may = gone.filter((path) => verdict === 'pass' || !news.has(path))
    for (const path of verdict === 'wait' ? may : gone) this.#take(path)
    await this.#announce(may)
  }

  /** What is coming under another name may be renamed, and may be something else under the old inode. */
  #verdict(news: readonly RelPath[], coming: number): Verdict {
    // The brake is for the others' sake: a host that may not announce deletions takes them back or shows them.
    if (news.length === 0 || !this.#needs.records.mayAnnounce) return 'pass'
    const losing = news.map((path): Losing => {
      return { path, loss: 'deleted', isFile: this.#missing.get(path)?.kind === 'file' }
    })
    return this.#needs.brake.decide(losing, { deleted: coming, replaced: 0 }, this.#filesBefore)
  }

  /** False for what we took away ourselves, because the folder's records say so: seen before its commit, or cut short. */
  #isNews(path: RelPath): boolean {
    const entry = this.#needs.index.entry(path)
    return entry !== null && entry.kind !== 'absent' && !this.#needs.records.wasToGo(path, entry)
  }

  #take(path: RelPath): void {
    const entry = this.#missing.get(path)
    if (entry?.kind === 'file') this.#byInode.delete(entry.inode)
    this.#missing.delete(path)
  }

  async #announce(gone: readonly RelPath[]): Promise<void> {
    if (gone.length === 0) return
    this.#announcing += gone.length
    try {
      const noted = await this.#needs.locks.with(gone, () => this.#commit(gone))
      await this.#tell(noted)
    } finally {
      this.#announcing -= gone.length
    }
  }

  /** Children before their directory, so that whoever carries it out finds it empty. */
  async #commit(gone: readonly RelPath[]): Promise<ReadonlyMap<RelPath, Noted>> {
    const { committer, records } = this.#needs
    const still = await this.#absent([...gone].sort().reverse())
    // A disk that goes between the look at the root and this one leaves nothing behind either.
    if (!(await this.#needs.rootIsSound())) return new Map()
    const noted = new Map<RelPath, Noted>()
    await committer.commit(() => {
      for (const path of still) noted.set(path, records.note(path, { kind: 'absent' }, null))
      return [...noted.values()].flatMap((note) => note.changes)
    })
    return noted
  }

  /** Those of which the disk says that nothing is there. */
  async #absent(paths: readonly RelPath[]): Promise<readonly RelPath[]> {
    const absent: RelPath[] = []
    for (const path of paths) if ((await this.#needs.disk.stat(path).catch(() => 'unknown')) === null) absent.push(path)
    return absent
  }

  async #tell(noted: ReadonlyMap<RelPath, Noted>): Promise<void> {
    const announced = [...noted].filter(([, note]) => note.what === 'announced').map(([path]) => path)
    for (const path of announced) {
      this.#needs.problems.clear(path)
      this.#needs.log.info({ path }, `announced: ${path} was deleted here`)
    }
    const changed = [...noted].filter(([, note]) => note.changes.length > 0).map(([path]) => path)
    if (changed.length > 0) this.#needs.announced(changed)
    for (const [path, note] of noted) if (note.what === 'refused') await this.#needs.refused.deleted(path)
    if (noted.size > 0) this.#wakeReplacing()
  }

  #wakeReplacing(): void {
    for (const path of this.#replacing) this.#needs.lookAgain(path)
    this.#replacing.clear()
  }
}
