/**
 * Carries out on disk what reconciling decides, one path at a time under its lock:
 *
 *   consider(path): decision = reconcile(entry, records)
 *     nothing            done
 *     adopt              what lies here is right: take up its version (and mtime)
 *     fetch              staging has it whole: install; a file here that is to go has it: move; else transfer it
 *     archive            take it out of the tree
 *     make-directory, make-link
 *     bury               the path lies under what is a file now (above.ts)
 *
 * What must come first (a directory before what lies in it, a link's target before the link) is waited for.
 *
 * Nothing is kept about plans: after a crash, reconciling derives them again. Live records go before tombstones, so
 * that a rename finds its content still in the tree.
 */
import PQueue from 'p-queue'
import { type RelPath } from '../base/brand.ts'
import { type Log } from '../base/log.ts'
import { type FolderIndex } from '../db/index-port.ts'
import { FsError } from '../fs/root.ts'
import { parentOf } from '../sync/path.ts'
import { type Decision, reconcile } from '../sync/reconcile.ts'
import { buriedUnder, comesBefore, isUnderUnknown } from './above.ts'
import { type PathLocks } from './path-locks.ts'
import { type ProblemList } from './problem-list.ts'
import { type TreeChanges } from './tree-changes.ts'

/** Paths worked on at a time. */
const AT_A_TIME = 64
/** Installs wait for the disk, and those of small files share its syncs and the transactions of the index. */
const INSTALLS_AT_A_TIME = 256

export interface ApplierNeeds {
  readonly index: Pick<FolderIndex, 'entry' | 'recordsOf' | 'entriesUnder'>
  readonly locks: PathLocks
  readonly tree: Pick<TreeChanges, 'adopt' | 'install' | 'remove' | 'bury' | 'makeDirectory' | 'makeLink'>
  readonly problems: ProblemList
  /** The root is there and is the one it was: only then is anything put into it. */
  readonly rootIsSound: () => Promise<boolean>
  /** It is not to be carried out before the operator has spoken, or what is to come has come. */
  readonly isHeld: (path: RelPath) => boolean
  /** Its content is still to come. */
  readonly isWanted: (path: RelPath) => boolean
  /** Paths below this one whose content is still to come. */
  readonly wantedBelow: (path: RelPath) => readonly RelPath[]
  /** The path wants nothing fetched. */
  readonly release: (path: RelPath) => void
  /** The disk shows something else than the index knows at this path: it must be scanned. */
  readonly rescan: (path: RelPath) => void
  /** The disk is full, or read-only: the folder pauses. */
  readonly diskFull: (path: RelPath, error: FsError) => void
  readonly log: Log
}

export class Applier {
  readonly #needs: ApplierNeeds
  readonly #live = new PQueue({ concurrency: AT_A_TIME })
  /** Those whose content has come: before others are begun, so that what is whole does not pile up in memory. */
  readonly #whole = new PQueue({ concurrency: INSTALLS_AT_A_TIME })
  readonly #dead = new PQueue({ concurrency: AT_A_TIME })
  readonly #queued = new Set<RelPath>()
  readonly #later = new Set<RelPath>()
  /** Of those, the ones at which the disk failed. */
  readonly #broken = new Set<RelPath>()
  /** Paths that wait for what is above them, and links for what they point at. */
  readonly #waitingFor = new Map<RelPath, Set<RelPath>>()
  #paused = false

  constructor(needs: ApplierNeeds) {
    this.#needs = needs
    for (const queue of [this.#live, this.#whole]) queue.on('idle', () => this.#startDead())
  }

  /** Looks at these paths again: those to be made or changed first, those to be deleted when that is done. */
  consider(live: readonly RelPath[], dead: readonly RelPath[] = []): void {
    if (live.length > 0) this.#dead.pause()
    for (const path of live) this.#add(this.#live, path)
    for (const path of [...dead].sort().reverse()) this.#add(this.#dead, path)
    this.#startDead()
  }

  /**
   * The content that these paths wait for lies whole in staging. One at which the disk failed is tried again with all that
   * failed: else two paths of one content, that lies here and cannot be installed, would try by turns for ever.
   */
  contentCame(paths: readonly RelPath[]): void {
    const waiting = paths.filter((path) => !this.#broken.has(path))
    if (waiting.length > 0) this.#dead.pause()
    for (const path of waiting) this.#add(this.#whole, path)
    this.#startDead()
  }

  /** Of those, the ones whose turn has not come. */
  get toInstall(): number {
    return this.#whole.size
  }

  #startDead(): void {
    if (this.isLiveSettled && !this.#paused) this.#dead.start()
  }

  /** Tries again what did not work before. */
  retry(): void {
    const paths = this.#unfinished()
    this.#later.clear()
    this.#broken.clear()
    this.consider(paths)
  }

  /** Stops taking up new work (halted, disk full); `resume` goes on where it was. */
  pause(): void {
    this.#paused = true
    for (const queue of this.#queues) queue.pause()
  }

  resume(): void {
    this.#paused = false
    this.#live.start()
    this.#whole.start()
    this.#startDead()
    this.retry()
  }

  /** What is to come has been begun, and what is to be renamed has been. */
  get isLiveSettled(): boolean {
    return [this.#live, this.#whole].every((queue) => queue.pending + queue.size === 0)
  }

  /** Resolves when that is so for both queues at once: while one comes to rest, the other may get more to do. */
  async liveSettled(): Promise<void> {
    while (!this.isLiveSettled) await Promise.all([this.#live.onIdle(), this.#whole.onIdle()])
  }

  /** Resolves when all that was to be looked at has been looked at once. */
  async settled(): Promise<void> {
    await this.liveSettled()
    if (!this.#paused) await this.#dead.onIdle()
  }

  /** Paths that are being worked on, or wait for it. */
  get busy(): number {
    return this.#queues.reduce((sum, queue) => sum + queue.pending, this.#queued.size)
  }

  /** Paths that will be tried again or wait for others, but for those that are shown as problems or wait for the operator. */
  get postponed(): number {
    const { problems, isHeld } = this.#needs
    const isShown = (path: RelPath) => problems.has('in-the-way', path) || problems.has('io-error', path)
    return this.#unfinished((first) => !isHeld(first)).filter((path) => !isShown(path)).length
  }

  /** Those that are tried again, and those that wait for one of `others`. */
  #unfinished(others: (first: RelPath) => boolean = () => true): readonly RelPath[] {
    const waiting = [...this.#waitingFor].filter(([first]) => others(first))
    return [...this.#later, ...waiting.flatMap(([, paths]) => [...paths])]
  }

  /** Resolves when the work that has begun is done; nothing new is begun. */
  async close(): Promise<void> {
    this.pause()
    for (const queue of this.#queues) queue.clear()
    await Promise.all(this.#queues.map((queue) => queue.onPendingZero()))
  }

  get #queues(): readonly PQueue[] {
    return [this.#live, this.#whole, this.#dead]
  }

  #add(queue: PQueue, path: RelPath): void {
    if (this.#queued.has(path)) return
    this.#queued.add(path)
    void queue.add(() => this.#consider(path))
  }

  async #consider(path: RelPath): Promise<void> {
    this.#queued.delete(path)
    this.#later.delete(path)
    this.#broken.delete(path)
    try {
      const done = await this.#needs.locks.with([path], () => this.#carryOut(path))
      if (done) this.#solved(path)
    } catch (error) {
      this.failed(path, error)
    }
  }

  /** That its content is asked for once more does not mend what failed: it may fail again. */
  #solved(path: RelPath): void {
    this.#needs.problems.clear(path, 'in-the-way')
    if (!this.#needs.isWanted(path)) this.#needs.problems.clear(path, 'io-error')
  }

  /** False when it is to be looked at again. */
  async #carryOut(path: RelPath): Promise<boolean> {
    let plan = this.#plan(path)
    if (plan.decision.do !== 'nothing' || plan.file !== null) {
      if (!(await this.#needs.rootIsSound())) {
        this.#later.add(path)
        return false
      }
      plan = this.#plan(path)
    }
    const { decision, file } = plan
    if (this.#isHeld(path, file)) return false
    const first = file ?? comesBefore(path, decision, this.#needs.index)
    if (decision.do !== 'fetch' || first !== null) this.#needs.release(path)
    // Noted in the same breath as it was found: a moment later the other may be done, and nobody would wake us.
    if (first !== null) this.#wait(path, first)
    if (file !== null) await this.#bury(path, file)
    if (first !== null) return false
    this.#considerBelow(path, decision)
    this.#wantNothingBuried(path)
    await this.#act(path, decision)
    // Told of now, so that a user who later puts a file where that directory was is not taken for concurrent with it.
    if (isUnderUnknown(path, this.#needs.index)) this.#needs.rescan(path)
    this.#carriedOut(path)
    return true
  }

  /** Whoever lets go what is held has it looked at again, but not what would be buried with it. */
  #isHeld(path: RelPath, file: RelPath | null): boolean {
    const held = [path, file].find((at) => at !== null && this.#needs.isHeld(at)) ?? null
    if (held === null) return false
    this.#needs.release(path)
    if (held !== path) this.#wait(path, held)
    return true
  }

  /** What is to be done, and the file under which the path is buried. */
  #plan(path: RelPath): { readonly decision: Decision; readonly file: RelPath | null } {
    const { index } = this.#needs
    const records = index.recordsOf(path)
    return { decision: reconcile(index.entry(path), records), file: buriedUnder(path, index, records) }
  }

  #wait(path: RelPath, first: RelPath): void {
    this.#waitingFor.set(first, (this.#waitingFor.get(first) ?? new Set()).add(path))
  }

  async #bury(path: RelPath, file: RelPath): Promise<void> {
    await this.#needs.tree.bury(path, file)
    const detail = `${path} is not here, because ${file} is a file: rename that one, or move it away`
    this.#needs.problems.set('in-the-way', path, detail)
    this.#carriedOut(path)
  }

  /** Others may have waited for this path. */
  #carriedOut(path: RelPath): void {
    this.consider([...(this.#waitingFor.get(path) ?? [])])
    this.#waitingFor.delete(path)
    const parent = parentOf(path)
    // A directory that was to go may be empty now.
    if (parent !== '' && this.#later.delete(parent)) this.consider([], [parent])
  }

  /** What lies in a directory that is to be a file makes way first. */
  #considerBelow(path: RelPath, decision: Decision): void {
    if (decision.do !== 'fetch' && decision.do !== 'make-link') return
    if (this.#needs.index.entry(path)?.kind !== 'directory') return
    this.consider(
      [],
      [...this.#needs.index.entriesUnder(path)].map((entry) => entry.path),
    )
  }

  /** What was to come below a path where a file has won, here or elsewhere, is not waited for any more. */
  #wantNothingBuried(path: RelPath): void {
    const { index, wantedBelow } = this.#needs
    const buried = wantedBelow(path).filter((below) => buriedUnder(below, index) !== null)
    if (buried.length > 0) this.consider(buried)
  }

  async #act(path: RelPath, decision: Decision): Promise<void> {
    const { tree } = this.#needs
    switch (decision.do) {
      case 'nothing':
        return
      case 'adopt':
        return await tree.adopt(path, decision)
      case 'fetch':
        return await tree.install(path, decision)
      case 'archive':
        return await tree.remove(path, decision)
      case 'make-directory':
        return await tree.makeDirectory(path, decision)
      case 'make-link':
        return await tree.makeLink(path, decision)
    }
  }

  /** Notes why a path could not be brought up to date; it is tried again. */
  failed(path: RelPath, error: unknown): void {
    this.#later.add(path)
    if (!(error instanceof FsError)) {
      this.#needs.problems.set('io-error', path, `${path}: ${String(error)}; tried again at the next rescan`)
      return this.#needs.log.error({ path, err: error }, `could not bring ${path} up to date`)
    }
    if (isUnwritable(error)) return this.#needs.diskFull(path, error)
    switch (error.code) {
      case 'changed':
      case 'missing':
        return this.#needs.rescan(path)
      case 'not-empty':
        return this.#notEmpty(path)
      case 'link-in-the-way':
        return this.#needs.problems.set('in-the-way', path, `${error.message}; it is installed when that has gone`)
      default:
        if (error.code === 'io') this.#broken.add(path)
        this.#needs.problems.set('io-error', path, `${error.message}; tried again at the next rescan`)
    }
  }

  /** A directory that is to go waits for what we know in it; anything else in it is somebody's to take away. */
  #notEmpty(path: RelPath): void {
    if (!this.#needs.index.entriesUnder(path)[Symbol.iterator]().next().done) return
    const detail = `${path} is to be removed or replaced, but there is something in it that is not synced: it stays until that has been moved away`
    this.#needs.problems.set('in-the-way', path, detail)
  }
}

/** The disk takes nothing for now, whatever the path: full, over the quota, or read-only. */
export function isUnwritable({ code }: FsError): boolean {
  return code === 'no-space' || code === 'read-only'
}
