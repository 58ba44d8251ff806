/**
 * Whether a disk call may be made in this thread. While the page cache answers, a call here takes half the CPU of one
 * that goes to a thread and back (1 GB in 128 KiB: written 0.37 s against 0.85 s, read 0.27 s against 0.48 s,
 * measured). When the disk has to be waited for, the control loop must not be the one that waits: so after a slow call
 * the next ones go to threads, the more of them the more often it was slow, and then one is tried here again.
 */

/** A call from the page cache takes 20 to 60 µs; this one has waited for the disk. */
const SLOW_MS = 3
/** Calls that go to threads after the first slow one; twice as many after each further one. */
const FIRST_PENALTY_CALLS = 32
/** Some 500 MB: on a disk that is always slow, one call in so many is made here. */
const MOST_PENALTY_CALLS = 4096

export class Haste {
  #penaltyCalls = FIRST_PENALTY_CALLS
  #leftForThreads = 0

  /** True if the next call may be made here; `took` must be told how long it was. */
  mayRunHere(): boolean {
    if (this.#leftForThreads === 0) return true
    this.#leftForThreads--
    return false
  }

  took(ms: number): void {
    if (ms < SLOW_MS) {
      // Forgets slowly: one fast call does not make a fast disk.
      this.#penaltyCalls = Math.max(FIRST_PENALTY_CALLS, this.#penaltyCalls - 1)
      return
    }
    this.#leftForThreads = this.#penaltyCalls
    this.#penaltyCalls = Math.min(MOST_PENALTY_CALLS, this.#penaltyCalls * 2)
  }
}
