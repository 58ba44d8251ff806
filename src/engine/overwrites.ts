/**
 * Files here whose content users replaced by another. Gathered before they are announced, as deletions are, because a
 * program that encrypts a whole pool does so file by file: while as many more are in doubt as would be held together,
 * all wait. What the brake holds stays as it is, here and on the others, until the operator speaks.
 */
import { type RelPath } from '../base/brand.ts'
import { type Clock } from '../base/clock.ts'
import { type Root } from '../fs/root.ts'
import { ofContent } from '../sync/approval.ts'
import { sameStat, type Stat } from '../sync/entry.ts'
import { type Observed } from '../sync/local-record.ts'
import { type Brake, type Losing, WAVE_MS } from './brake.ts'
import { type Committer } from './committer.ts'
import { InodeCounts } from './inode-counts.ts'
import { type LocalRecords } from './local-records.ts'
import { type PathLocks } from './path-locks.ts'

/** Programs replace files one after the other: the next has begun within this time. */
const GATHER_MS = 500

/** A file with another content than the folder knows, read and hashed. */
export interface Overwrite {
  readonly path: RelPath
  readonly stat: Stat
  readonly observed: Observed
}

export interface OverwritesNeeds {
  readonly disk: Pick<Root, 'stat'>
  readonly records: Pick<LocalRecords, 'adopt'>
  readonly committer: Pick<Committer, 'commit'>
  readonly locks: PathLocks
  readonly brake: Brake
  /** Announces it, if the file is still the same. */
  readonly announce: (overwrite: Overwrite) => Promise<void>
  /** The folder's records decide about these paths. */
  readonly announced: (paths: readonly RelPath[]) => void
  readonly lookAgain: (path: RelPath) => void
  readonly clock: Pick<Clock, 'after' | 'elapsed'>
}

export class Overwrites {
  readonly #needs: OverwritesNeeds
  /** Files that look changed, and have not been read since. */
  readonly #suspects = new Set<RelPath>()
  readonly #waiting = new Map<RelPath, Overwrite>()
  readonly #held = new Map<RelPath, Overwrite>()
  readonly #inodes = new InodeCounts()
  #announcing = 0
  #waitingSinceMs = 0
  #cancel: (() => void) | null = null

  constructor(needs: OverwritesNeeds) {
    this.#needs = needs
  }

  /** The file does not look as the index last saw it: it may hold another content. */
  suspect(path: RelPath): void {
    if (this.#suspects.has(path)) return
    this.forget(path)
    this.#suspects.add(path)
    this.#decideSoon()
  }

  /** It has been read, or is there no more. */
  cleared(path: RelPath): void {
    if (this.#suspects.delete(path)) this.#decideSoon()
  }

  /** What looked changed may have been seen on another disk than this: what has changed on this is seen again. */
  doubtNothing(): void {
    this.#suspects.clear()
    this.#decideSoon()
  }

  /** Its content is another: it is announced when it is clear that not too many are. */
  add(overwrite: Overwrite): void {
    this.forget(overwrite.path)
    this.#suspects.delete(overwrite.path)
    if (this.#waiting.size === 0) this.#waitingSinceMs = this.#needs.clock.elapsed()
    this.#waiting.set(overwrite.path, overwrite)
    this.#inodes.add(overwrite.stat.inode)
    this.#decideSoon()
  }

  /** True when the file as it looks now has been read already, and waits or is held. */
  has(path: RelPath, stat: Stat): boolean {
    const known = this.#waiting.get(path) ?? this.#held.get(path)
    return known !== undefined && sameStat(known.stat, stat)
  }

  isHeld(path: RelPath): boolean {
    return this.#held.has(path)
  }

  hasInode(inode: number): boolean {
    return this.#inodes.has(inode)
  }

  /** It has gone, or changed again: what was known of it counts no more. */
  forget(path: RelPath): void {
    const known = this.#waiting.get(path) ?? this.#held.get(path)
    if (known === undefined) return
    this.#inodes.remove(known.stat.inode)
    this.#waiting.delete(path)
    if (this.#held.delete(path)) this.#needs.brake.forget(path)
  }

  /** Those that are not held, but not announced yet either. */
  get count(): number {
    return this.#waiting.size + this.#announcing
  }

  /** The operator meant them, or this one: they are announced. Returns how many that were. */
  async approve(path: RelPath | null = null): Promise<number> {
    const held = [...this.#held.values()].filter((one) => path === null || one.path === path)
    await this.#needs.committer.commit(() =>
      held.flatMap(({ path, observed }) =>
        observed.kind === 'file' ? [{ op: 'approved', approval: ofContent(path, observed.root) }] : [],
      ),
    )
    await this.#announce(held)
    return held.length
  }

  /** The operator did not mean them: what they replaced is fetched back, and they go to the archive. */
  async discard(): Promise<number> {
    const held = [...this.#held.values()]
    for (const { path } of held) this.forget(path)
    const unchanged = await Promise.all(held.map((overwrite) => this.#giveUp(overwrite)))
    this.#needs.announced(unchanged.flatMap((path) => path ?? []))
    return held.length
  }

  stop(): void {
    this.#cancel?.()
  }

  /** With no version, so that what the folder says of the path comes over it. Null: it has changed again. */
  async #giveUp({ path, stat, observed }: Overwrite): Promise<RelPath | null> {
    const { disk, records, committer, locks, lookAgain } = this.#needs
    return await locks.with([path], async () => {
      const now = await disk.stat(path).catch(() => null)
      if (now === null || !sameStat(now, stat)) {
        lookAgain(path)
        return null
      }
      await committer.commit(() => records.adopt(path, observed, stat))
      return path
    })
  }

  #decideSoon(): void {
    if (this.#waiting.size === 0) return
    const isLate = this.#needs.clock.elapsed() - this.#waitingSinceMs >= WAVE_MS
    if (this.#cancel !== null && isLate) return
    this.#cancel?.()
    this.#cancel = this.#needs.clock.after(GATHER_MS, () => this.#decide())
  }

  #decide(): void {
    this.#cancel = null
    const waiting = [...this.#waiting.values()]
    if (waiting.length === 0) return
    const losing = waiting.map(({ path }): Losing => ({ path, loss: 'replaced', isFile: true }))
    const verdict = this.#needs.brake.decide(losing, { deleted: 0, replaced: this.#suspects.size })
    if (verdict === 'wait') return // for the next that is read
    if (verdict === 'pass') return void this.#announce(waiting)
    for (const overwrite of waiting) this.#held.set(overwrite.path, overwrite)
    this.#waiting.clear()
  }

  async #announce(overwrites: readonly Overwrite[]): Promise<void> {
    for (const { path } of overwrites) this.forget(path)
    this.#announcing += overwrites.length
    try {
      await Promise.all(overwrites.map((overwrite) => this.#needs.announce(overwrite)))
    } finally {
      this.#announcing -= overwrites.length
    }
  }
}
