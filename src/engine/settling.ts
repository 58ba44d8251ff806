/**
 * Which files have settled, and when to look again at those that have not. A file whose last change is older than
 * `settle_seconds` by the disk's own stamps has settled already, so a first scan of a pool does not wait.
 */
import { type RelPath } from '../base/brand.ts'
import { type Clock } from '../base/clock.ts'
import { type Stat } from '../sync/entry.ts'
import { settle, type Sighting } from '../sync/settle.ts'
import { InodeCounts } from './inode-counts.ts'

interface Waiting {
  readonly sighting: Sighting
  readonly cancel: () => void
}

export class Settling {
  readonly #settleMs: () => number
  readonly #clock: Clock
  readonly #lookAgain: (path: RelPath) => void
  readonly #waiting = new Map<RelPath, Waiting>()
  readonly #inodes = new InodeCounts()
  /** What the date says at 0 of the clock that never jumps. */
  readonly #startMs: number

  /** `lookAgain` is called when a path may have settled: scan it. `settleMs` is asked each time: it may be reloaded. */
  constructor(needs: { settleMs: () => number; clock: Clock; lookAgain: (path: RelPath) => void }) {
    this.#settleMs = needs.settleMs
    this.#clock = needs.clock
    this.#lookAgain = needs.lookAgain
    this.#startMs = needs.clock.now() - needs.clock.elapsed()
  }

  /** True when the file as seen now has settled. Otherwise it is looked at again when it may have. */
  settled(path: RelPath, stat: Stat): boolean {
    const nowMs = this.#clock.elapsed()
    const settleMs = this.#settleMs()
    const before = this.#waiting.get(path)?.sighting ?? null
    const step = settle(before, { stat, nowMs, settleMs })
    if (step.settled || this.#isOld(stat, settleMs)) {
      this.forget(path)
      return true
    }
    this.#wait(path, step.sighting, step.untilMs - nowMs)
    return false
  }

  /** Looks at the path again after `ms`, whatever its stamps say. */
  hold(path: RelPath, stat: Stat, ms: number): void {
    this.#wait(path, { stat, sinceMs: this.#clock.elapsed() }, ms)
  }

  forget(path: RelPath): void {
    const waiting = this.#waiting.get(path)
    if (waiting === undefined) return
    waiting.cancel()
    this.#inodes.remove(waiting.sighting.stat.inode)
    this.#waiting.delete(path)
  }

  /** True if a file with this inode is waiting: then a vanished path with the same inode was renamed, not deleted. */
  hasInode(inode: number): boolean {
    return this.#inodes.has(inode)
  }

  has(path: RelPath): boolean {
    return this.#waiting.has(path)
  }

  get count(): number {
    return this.#waiting.size
  }

  forgetAll(): void {
    for (const path of [...this.#waiting.keys()]) this.forget(path)
  }

  #wait(path: RelPath, sighting: Sighting, ms: number): void {
    this.forget(path)
    // A little late rather than a little early: else the next look finds it just not settled and waits again.
    const cancel = this.#clock.after(ms + 5, () => this.#lookAgain(path))
    this.#waiting.set(path, { sighting, cancel })
    this.#inodes.add(sighting.stat.inode)
  }

  /** A date that has jumped ahead since the start is not believed: it makes a file old that is being written to. */
  #isOld(stat: Stat, settleMs: number): boolean {
    const nowMs = Math.min(this.#clock.now(), this.#startMs + this.#clock.elapsed())
    return nowMs - Math.max(stat.mtimeUs, stat.ctimeUs) / 1000 >= settleMs
  }
}
