/**
 * A token bucket over the whole host for one direction. Callers take bytes in small slices and in turn, so that a low
 * limit holds over any few seconds and no peer starves another. Callbacks instead of promises: without a limit it is
 * passed thousands of times a second.
 */
import { type Clock } from '../base/clock.ts'

/** What may go at once after a pause: 1 % of what ten seconds allow. */
const BURST_MS = 100
/** Slices are what passes in this time ... */
const SLICE_MS = 50
/** ... but not so small that headers and wake-ups cost more than the bytes ... */
const MIN_SLICE_BYTES = 2 * 1024
/** ... and not larger than what fills one encrypted message. */
const MAX_SLICE_BYTES = 64 * 1024
/** What may be granted to a far host ahead of its coming: a round trip of 300 ms without a stop. */
const WINDOW_MS = 300

export class RateLimit {
  readonly #clock: Pick<Clock, 'elapsed' | 'after'>
  readonly #queue: { bytes: number; granted: () => void }[] = []
  #perMs: number
  #tokens = 0
  #filledMs: number
  #stopTimer: (() => void) | null = null

  /** `bytesPerSecond` 0: no limit. */
  constructor(options: { bytesPerSecond: number }, needs: { clock: Pick<Clock, 'elapsed' | 'after'> }) {
    this.#clock = needs.clock
    this.#perMs = options.bytesPerSecond / 1000
    this.#filledMs = needs.clock.elapsed()
    this.#tokens = this.#capacity()
  }

  get limited(): boolean {
    return this.#perMs > 0
  }

  /** The most bytes to take at a time; Infinity without a limit. */
  sliceBytes(): number {
    if (!this.limited) return Infinity
    return Math.round(Math.min(MAX_SLICE_BYTES, Math.max(MIN_SLICE_BYTES, this.#perMs * SLICE_MS)))
  }

  /** The most bytes that may have been taken for something that has not passed yet; Infinity without a limit. */
  windowBytes(): number {
    return this.limited ? Math.max(2 * this.sliceBytes(), this.#perMs * WINDOW_MS) : Infinity
  }

  setRate(bytesPerSecond: number): void {
    this.#fill()
    this.#perMs = bytesPerSecond / 1000
    this.#tokens = Math.min(this.#tokens, this.#capacity())
    this.#grant()
  }

  /** Calls `granted` once `bytes` may pass, in the order of the calls; at once where there is no limit. */
  take(bytes: number, granted: () => void): void {
    if (!this.limited) return granted()
    this.#queue.push({ bytes, granted })
    if (this.#queue.length === 1) this.#grant()
  }

  /** Counts bytes that have passed without asking, such as messages; later takers wait for them. */
  charge(bytes: number): void {
    if (!this.limited) return
    this.#fill()
    this.#tokens -= bytes
  }

  #grant(): void {
    this.#stopTimer?.()
    this.#stopTimer = null
    this.#fill()
    for (let next = this.#queue[0]; next !== undefined; next = this.#queue[0]) {
      if (this.limited && this.#tokens < next.bytes) return this.#wait(next.bytes - this.#tokens)
      this.#tokens -= next.bytes
      this.#queue.shift()
      next.granted()
    }
  }

  #wait(missing: number): void {
    this.#stopTimer = this.#clock.after(Math.max(1, Math.ceil(missing / this.#perMs)), () => this.#grant())
  }

  #fill(): void {
    const now = this.#clock.elapsed()
    this.#tokens = Math.min(this.#capacity(), this.#tokens + (now - this.#filledMs) * this.#perMs)
    this.#filledMs = now
  }

  #capacity(): number {
    return this.limited ? Math.max(this.sliceBytes(), this.#perMs * BURST_MS) : 0
  }
}
