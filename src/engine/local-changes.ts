/**
 * What users do to the tree on this host becomes records: sightings of the scanner come in, settled files are hashed,
 * and each change is signed, committed and then announced.
 */
import { type RelPath, type RootHash } from '../base/brand.ts'
import { type Clock } from '../base/clock.ts'
import { type Change, type FolderIndex } from '../db/index-port.ts'
import { type Sighting } from '../scan/sighting.ts'
import { ofContent } from '../sync/approval.ts'
import { type Entry, type FileEntry, type Stat, statMatchesEntry } from '../sync/entry.ts'
import { type Observed } from '../sync/local-record.ts'
import { linkTargetPath } from '../sync/link-target.ts'
import { parentOf } from '../sync/path.ts'
import { type PieceList, rootHash } from '../sync/piece-list.ts'
import { type Deletions } from './deletions.ts'
import { fileMeant } from './file-meant.ts'
import { type FileTaker } from './file-taker.ts'
import { LocalCommits, type LocalCommitsNeeds } from './local-commits.ts'
import { type Overwrite, type Overwrites } from './overwrites.ts'
import { type Settling } from './settling.ts'
import { TakeQueue } from './take-queue.ts'
import { fileEntry } from './tree-changes.ts'
import { WaitingLinks } from './waiting-links.ts'

export interface LocalChangesNeeds extends LocalCommitsNeeds {
  readonly index: Pick<FolderIndex, 'pieceList' | 'entry' | 'recordsOf' | 'entriesHolding' | 'rotten' | 'isApproved'>
  readonly taker: FileTaker
  readonly settling: Settling
  readonly deletions: Deletions
  readonly overwrites: Overwrites
  /** What lies there may have rotted. */
  readonly suspect: (path: RelPath) => void
  readonly clock: Pick<Clock, 'sleep'>
}

export class LocalChanges {
  readonly #needs: LocalChangesNeeds
  readonly #commits: LocalCommits
  readonly #queue: TakeQueue
  readonly #links: WaitingLinks
  /** Directories that are being taken up. */
  readonly #directories = new Map<RelPath, Promise<void>>()
  readonly #stop = new AbortController()

  constructor(needs: LocalChangesNeeds) {
    this.#needs = needs
    this.#commits = new LocalCommits(needs)
    this.#queue = new TakeQueue({
      failed: (path, error) => this.#failed(path, error),
      done: (path, seenAgain) => this.#done(path, seenAgain),
      clock: needs.clock,
    })
    this.#links = new WaitingLinks({
      isPending: (path) => this.isPending(path),
      isKnown: (path) => (needs.index.entry(path) ?? { kind: 'absent' }).kind !== 'absent',
      lookAgain: needs.lookAgain,
    })
  }

  /** One difference between the tree and the index. */
  sighted(sighting: Sighting): void {
    switch (sighting.seen) {
      case 'file':
        return this.#file(sighting.path, sighting.stat, sighting.entry)
      case 'directory':
        return this.#directory(sighting.path, sighting.stat)
      case 'link':
        return this.#link(sighting.path, sighting.stat, sighting.target)
      case 'missing':
        return this.#missing(sighting.path, sighting.entry)
      case 'problem': {
        const { kind, path, detail } = sighting.problem
        return this.#needs.problems.set(kind, path, detail)
      }
    }
  }

  /**
   * Brings back on all hosts what others deleted and this one still has, what has rotted as it was before. Returns how many paths
   * that were.
   */
  async bringBack(paths: readonly RelPath[]): Promise<number> {
    await this.#needs.committer.commit(() => paths.flatMap((path) => this.#needs.records.reassertWhole(path)))
    this.#needs.announced(paths)
    return paths.length
  }

  /** Tells all hosts that what lies there is good as it is, although it has rotted. */
  async takeRot(path: RelPath): Promise<void> {
    await this.#needs.committer.commit(() => this.#needs.records.reassert(path))
    this.#needs.announced([path])
  }

  /** No file stands there: what had not settled never will, and links need not wait for it. */
  vanished(path: RelPath): void {
    this.#needs.settling.forget(path)
    this.#needs.overwrites.forget(path)
    this.#needs.overwrites.cleared(path)
    this.#links.wake(path)
  }

  /** The root has gone, or is another: what had not settled may have been seen there. The scan after it is back looks anew. */
  halted(): void {
    this.#needs.settling.forgetAll()
    this.#needs.overwrites.doubtNothing()
    this.#links.wakeAll()
  }

  /** Takes the path as it is, without waiting for it to settle. */
  async takeNow(path: RelPath): Promise<void> {
    const stat = await this.#needs.disk.stat(path)
    if (stat?.kind === 'file') await this.#take(path, stat)
    else this.#needs.lookAgain(path)
    this.#needs.overwrites.cleared(path)
  }

  /** Nothing to wait for, or resolves when there is room for more sightings. Rejects when `signal` is aborted. */
  room(signal: AbortSignal): Promise<void> | undefined {
    return this.#queue.room(signal)
  }

  /** A file that waits to settle or to be read, or a directory that is being taken up. */
  isPending(path: RelPath): boolean {
    return this.#queue.has(path) || this.#directories.has(path) || this.#needs.settling.has(path)
  }

  /** What is hashed, waits for it, or has not settled; and what has vanished. */
  get busy(): number {
    const { settling, deletions, overwrites } = this.#needs
    const waiting = settling.count + deletions.count + overwrites.count + this.#links.count
    return this.#queue.count + this.#directories.size + waiting
  }

  async close(): Promise<void> {
    this.#stop.abort(new Error('stopping'))
    this.#needs.settling.forgetAll()
    this.#needs.deletions.stop()
    this.#needs.overwrites.stop()
    await this.#queue.close()
    await Promise.all(this.#directories.values())
  }

  #file(path: RelPath, stat: Stat, entry: Entry | null): void {
    if (this.#needs.refused.has(path, stat) || this.#needs.overwrites.has(path, stat)) return
    // One that is held may be let go by this very look, whatever it shows.
    if (this.#queue.seen(path, this.#needs.settling.has(path) ? null : stat)) return
    if (looksReplaced(stat, entry)) this.#needs.overwrites.suspect(path)
    if (this.#needs.deletions.isRenamed(stat)) this.#needs.settling.forget(path)
    else if (!this.#needs.settling.settled(path, stat)) return
    this.#queue.add(path, stat, () => this.#take(path, stat))
  }

  /** True while a file with this inode waits to be hashed and announced. */
  hasInode(inode: number): boolean {
    return this.#queue.hasInode(inode) || this.#needs.overwrites.hasInode(inode)
  }

  /** At once, past the queue: what lies in it waits for it. */
  #directory(path: RelPath, stat: Stat): void {
    if (this.#directories.has(path) || this.#stop.signal.aborted) return
    const work = this.#commit(path, stat, { kind: 'directory' }, [])
      .catch((error: unknown) => this.#failed(path, error))
      .finally(() => {
        this.#directories.delete(path)
        this.#links.wake(path)
      })
    this.#directories.set(path, work)
  }

  #link(path: RelPath, stat: Stat, target: string): void {
    const at = linkTargetPath(path, target)
    // A directory that it lies in is taken up before it anyway, and is looked at with it again and again where it may not be.
    const isAbove = path.startsWith(`${at}/`)
    if (at !== null && !isAbove && this.#links.mustWait(path, at)) return
    this.#queue.add(path, stat, () => this.#commit(path, stat, { kind: 'link', target }, []))
  }

  #missing(path: RelPath, entry: Entry): void {
    this.vanished(path)
    this.#needs.refused.forget(path)
    this.#needs.deletions.missing(path, entry)
  }

  #done(path: RelPath, seenAgain: boolean): void {
    this.#needs.overwrites.cleared(path)
    // It may have changed after it was found to be still the same, or settled before it was let go.
    if (seenAgain) this.#needs.lookAgain(path)
    this.#links.wake(path)
  }

  async #take(path: RelPath, stat: Stat): Promise<void> {
    // The hint of what we have just installed comes before its commit: nothing needs to be hashed then.
    const isOurs = await this.#needs.locks.with([path], async () => {
      const entry = this.#needs.index.entry(path)
      if (entry === null || entry.kind === 'absent') return false
      return statMatchesEntry(stat, entry) || statMatchesEntry(await this.#needs.disk.stat(path), entry)
    })
    if (isOurs) return
    const list = await this.#needs.taker.hash(path, stat, this.#stop.signal)
    if (list === null) return
    const meant = fileMeant(path, stat, this.#needs)
    if (meant !== null && meant.root !== rootHash(list)) return await this.#takeRotten(path, stat, meant)
    await this.#takeHashed(path, stat, list)
  }

  async #takeHashed(path: RelPath, stat: Stat, list: PieceList): Promise<void> {
    const observed = observedFile(stat, list)
    const content = this.#newContent(observed.root, list)
    if (!this.#mayBeTooMuch(path, observed)) return await this.#commit(path, stat, observed, content)
    await this.#needs.committer.commit(() => content)
    this.#needs.overwrites.add({ path, stat, observed })
  }

  /** Taken for the content that it was: a scrub finds the flipped bits, and they are healed where it lies now. */
  async #takeRotten(path: RelPath, stat: Stat, { path: from, root }: FileEntry): Promise<void> {
    const list = from === path ? null : this.#needs.index.pieceList(root)
    if (list === null) return await this.#suspect(path, stat)
    await this.#takeHashed(path, stat, list)
    this.#needs.suspect(path)
  }

  /** Another content in place of one that was here: unless the operator meant it, the brake has a say. */
  #mayBeTooMuch(path: RelPath, observed: Extract<Observed, { kind: 'file' }>): boolean {
    const { records, index } = this.#needs
    return records.isOverwrite(path, observed) && !index.isApproved(ofContent(path, observed.root))
  }

  /** Notes its new stat, so that a scrub takes it for the file that it was, and judges it. */
  async #suspect(path: RelPath, stat: Stat): Promise<void> {
    const { locks, index, committer, suspect } = this.#needs
    await locks.with([path], async () => {
      const entry = index.entry(path)
      if (entry?.kind !== 'file' || !(await this.#commits.isStill(path, stat))) return
      await committer.commit(() => [{ op: 'entry', entry: fileEntry(path, entry.root, entry.version, stat) }])
    })
    suspect(path)
  }

  /** Announces a file that was hashed before; again where its piece list has been forgotten, because nothing named it. */
  async announce({ path, stat, observed }: Overwrite): Promise<void> {
    const { index, taker } = this.#needs
    try {
      if (observed.kind === 'file' && index.pieceList(observed.root) !== null)
        return await this.#commit(path, stat, observed, [])
      const list = await taker.hash(path, stat, this.#stop.signal)
      if (list === null) return
      const seen = observedFile(stat, list)
      await this.#commit(path, stat, seen, this.#newContent(seen.root, list))
    } catch (error) {
      this.#failed(path, error)
    }
  }

  #newContent(root: RootHash, list: PieceList): readonly Change[] {
    return this.#needs.index.pieceList(root) === null ? [{ op: 'content', root, list }] : []
  }

  /** After the directory that it lies in. */
  async #commit(path: RelPath, stat: Stat, observed: Observed, content: readonly Change[]): Promise<void> {
    await this.#directories.get(parentOf(path) as RelPath)
    await this.#commits.commit(path, stat, observed, content)
  }

  #failed(path: RelPath, error: unknown): void {
    if (this.#stop.signal.aborted) return
    this.#needs.problems.set('io-error', path, `${path}: ${String(error)}; tried again at the next rescan`)
    this.#needs.log.error({ path, err: error }, `could not take up ${path}`)
  }
}

/** Another right or owner makes no other content. */
function looksReplaced(stat: Stat, entry: Entry | null): boolean {
  return entry?.kind === 'file' && (entry.size !== stat.size || entry.mtimeUs !== stat.mtimeUs)
}

function observedFile(stat: Stat, list: PieceList): Extract<Observed, { kind: 'file' }> {
  return { kind: 'file', size: stat.size, mtimeUs: stat.mtimeUs, root: rootHash(list) }
}
