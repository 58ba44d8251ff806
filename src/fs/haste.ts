/**
 * Whether a disk call may be made in this thread. While the page cache answers, a call here takes half the CPU of one
 * that goes to a thread and back (1 GB in 128 KiB: written 0.37 s against 0.85 s, read 0.27 s against 0.48 s,
 * measured). When the disk has to be waited for, the control loop must not be the one that waits: so after a slow call
 * the next ones go to threads, the more of them the more often it was slow, and then one is tried here again.
 *
 * On a busy host a call may be slow because the thread had to wait for a processor; on others it would wait no less.
 * The kernel counts how often a thread has given up its processor by itself, as it does to wait for a disk.
 */
import { threadWaits } from '../base/kernel-counts.ts'

/** A call from the page cache takes 20 to 60 µs; this one has waited for the disk. */
const SLOW_MS = 3
/** Calls that go to threads after the first slow one; twice as many after each further one. */
const FIRST_PENALTY_CALLS = 32
/** Some 500 MB: on a disk that is always slow, one call in so many is made here. */
const MOST_PENALTY_CALLS = 4096
/** After a slow call, or at first, waits are counted around so many: it costs 1 µs, which a fast disk need not pay. */
const COUNTED_CALLS = 4096

export interface HasteNeeds {
  readonly nowMs: () => number
  /** How often this thread has waited for something; null where nobody can tell. */
  readonly waits: () => number | null
}

const system: HasteNeeds = { nowMs: () => performance.now(), waits: threadWaits }

export class Haste {
  readonly #needs: HasteNeeds
  #penaltyCalls = FIRST_PENALTY_CALLS
  #leftForThreads = 0
  #leftToCount = COUNTED_CALLS

  constructor(needs: HasteNeeds = system) {
    this.#needs = needs
  }

  /** True if the next call may be made here, with `run`. */
  mayRunHere(): boolean {
    if (this.#leftForThreads === 0) return true
    this.#leftForThreads--
    return false
  }

  run<Result>(call: () => Result): Result {
    const { nowMs, waits } = this.#needs
    const waitsBefore = this.#leftToCount > 0 ? waits() : null
    const beforeMs = nowMs()
    try {
      return call()
    } finally {
      if (nowMs() - beforeMs < SLOW_MS) this.#wasFast()
      else this.#wasSlow(waitsBefore)
    }
  }

  #wasFast(): void {
    if (this.#leftToCount > 0) this.#leftToCount--
    // Forgets slowly: one fast call does not make a fast disk.
    this.#penaltyCalls = Math.max(FIRST_PENALTY_CALLS, this.#penaltyCalls - 1)
  }

  /** `waitsBefore`: null where they were not counted. */
  #wasSlow(waitsBefore: number | null): void {
    this.#leftToCount = COUNTED_CALLS
    const waits = this.#needs.waits()
    // Why it was slow shows at the next one, if it was not counted.
    if (waits !== null && (waitsBefore === null || waits === waitsBefore)) return
    this.#leftForThreads = this.#penaltyCalls
    this.#penaltyCalls = Math.min(MOST_PENALTY_CALLS, this.#penaltyCalls * 2)
  }
}
