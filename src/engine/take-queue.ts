/**
 * Paths that wait to be taken up, or are being taken up: small files by the hundred, large ones a few at a time. A path
 * that is seen again meanwhile, and not as before, is looked at once more when it has been taken.
 */
import PQueue from 'p-queue'
import { type RelPath } from '../base/brand.ts'
import { type Clock } from '../base/clock.ts'
import { sameStat, type Stat } from '../sync/entry.ts'
import { InodeCounts } from './inode-counts.ts'

/** Files taken at a time: large ones queue at the hashing thread, */
const LARGE_AT_A_TIME = 8
/** small ones wait for nothing but their transaction, which takes as many as there are. */
const SMALL_AT_A_TIME = 256
const SMALL_BYTES = 128 * 1024
/** Small ones that wait, some seconds of work: until they have been taken nobody looks for more. */
const MOST_SMALL_WAITING = 2_000
const LOOK_FOR_ROOM_MS = 20

export interface TakeQueueNeeds {
  readonly failed: (path: RelPath, error: unknown) => void
  /** The path has been taken, or not; `seenAgain`: it may have changed since it was found to be still the same. */
  readonly done: (path: RelPath, seenAgain: boolean) => void
  readonly clock: Pick<Clock, 'sleep'>
}

export class TakeQueue {
  readonly #needs: TakeQueueNeeds
  readonly #large = new PQueue({ concurrency: LARGE_AT_A_TIME })
  readonly #small = new PQueue({ concurrency: SMALL_AT_A_TIME })
  /** With what was seen of it. */
  readonly #queued = new Map<RelPath, Stat>()
  readonly #seenMeanwhile = new Set<RelPath>()
  readonly #inodes = new InodeCounts()
  #isClosed = false

  constructor(needs: TakeQueueNeeds) {
    this.#needs = needs
  }

  get count(): number {
    return this.#queued.size
  }

  has(path: RelPath): boolean {
    return this.#queued.has(path)
  }

  hasInode(inode: number): boolean {
    return this.#inodes.has(inode)
  }

  /** The path is seen: true if it waits already. Unless it is as it was seen before, that is noted; null: it is not known how it is. */
  seen(path: RelPath, stat: Stat | null): boolean {
    const queued = this.#queued.get(path)
    const isAsBefore = queued !== undefined && stat?.kind === 'file' && sameStat(stat, queued)
    if (queued !== undefined && !isAsBefore) this.#seenMeanwhile.add(path)
    return queued !== undefined
  }

  add(path: RelPath, stat: Stat, work: () => Promise<void>): void {
    if (this.seen(path, stat) || this.#isClosed) return
    this.#queued.set(path, stat)
    const { kind, size, inode } = stat
    if (kind === 'file') this.#inodes.add(inode)
    const queue = kind === 'file' && size > SMALL_BYTES ? this.#large : this.#small
    void queue
      .add(() => work().finally(() => (kind === 'file' ? this.#inodes.remove(inode) : undefined)))
      .catch((error: unknown) => this.#needs.failed(path, error))
      .finally(() => {
        this.#queued.delete(path)
        this.#needs.done(path, this.#seenMeanwhile.delete(path))
      })
  }

  /** Nothing to wait for, or resolves when there is room for more. Rejects when `signal` is aborted. */
  room(signal: AbortSignal): Promise<void> | undefined {
    return this.#small.size < MOST_SMALL_WAITING ? undefined : this.#waitForRoom(signal)
  }

  /** Resolves when what is under way has ended; what waits is forgotten. */
  async close(): Promise<void> {
    this.#isClosed = true
    for (const queue of [this.#large, this.#small]) queue.clear()
    await Promise.all([this.#large.onIdle(), this.#small.onIdle()])
  }

  async #waitForRoom(signal: AbortSignal): Promise<void> {
    while (this.#small.size >= MOST_SMALL_WAITING) await this.#needs.clock.sleep(LOOK_FOR_ROOM_MS, signal)
  }
}
