/**
 * Virtual time of a whole cluster: one queue of timers; time jumps to the next one when all promises have settled. All
 * fakes answer through promises alone, and Node settles these between any two immediates of one turn.
 * Each host sees it through a clock of its own, with its own idea of the date, that ends when the host crashes.
 */
import { type Clock } from '../../src/base/clock.ts'

interface Timer {
  readonly atMs: number
  readonly order: number
  task: (() => void) | null
}

/** Timers run in one turn of the event loop: a turn of its own for each would cost more than most of them. */
const TIMERS_A_TURN = 32

export class SimTime {
  nowMs = 0
  #order = 0
  readonly #timers: Timer[] = []

  /** Timers that wait: a bound on all queues together. */
  get waiting(): number {
    return this.#timers.length
  }

  after(ms: number, task: () => void): () => void {
    const timer: Timer = { atMs: this.nowMs + Math.max(0, ms), order: this.#order++, task }
    this.#push(timer)
    return () => (timer.task = null)
  }

  /** Runs all that falls due within `ms`. */
  async pass(ms: number): Promise<void> {
    const endMs = this.nowMs + ms
    do await this.#turn(endMs)
    while (this.#isDue(endMs))
    this.nowMs = endMs
  }

  #turn(endMs: number): Promise<void> {
    return new Promise((resolve, reject) => {
      const run = () => {
        try {
          this.#runNext(endMs)
        } catch (error) {
          reject(error instanceof Error ? error : new Error(String(error)))
        }
      }
      setImmediate(() => {}) // lets what has begun already settle
      for (let i = 0; i < TIMERS_A_TURN; i++) setImmediate(run)
      setImmediate(resolve)
    })
  }

  #isDue(endMs: number): boolean {
    const [next] = this.#timers
    return next !== undefined && next.atMs <= endMs
  }

  #runNext(endMs: number): void {
    const [next] = this.#timers
    if (next === undefined || next.atMs > endMs) return
    this.#pop()
    if (next.task === null) return this.#runNext(endMs)
    this.nowMs = next.atMs
    next.task()
  }

  #push(timer: Timer): void {
    const heap = this.#timers
    heap.push(timer)
    for (let i = heap.length - 1; i > 0;) {
      const up = (i - 1) >> 1
      if (!this.#swapIfBefore(i, up)) break
      i = up
    }
  }

  #pop(): void {
    const heap = this.#timers
    const last = heap.pop()
    if (last === undefined || heap.length === 0) return
    heap[0] = last
    for (let i = 0; ;) {
      const left = 2 * i + 1
      const least = this.#isBefore(left + 1, left) ? left + 1 : left
      if (!this.#swapIfBefore(least, i)) return
      i = least
    }
  }

  #swapIfBefore(i: number, j: number): boolean {
    const [a, b] = [this.#timers[i], this.#timers[j]]
    if (a === undefined || b === undefined || !this.#isBefore(i, j)) return false
    this.#timers[i] = b
    this.#timers[j] = a
    return true
  }

  #isBefore(i: number, j: number): boolean {
    const [a, b] = [this.#timers[i], this.#timers[j]]
    if (a === undefined || b === undefined) return false
    return a.atMs < b.atMs || (a.atMs === b.atMs && a.order < b.order)
  }
}

/** The clock of one life of a host: nothing happens by it once that life has ended. */
export class HostClock implements Clock {
  readonly #time: SimTime
  readonly #wallMs: () => number
  #isDead = false

  /** `wallMs` is the host's idea of the date. */
  constructor(needs: { time: SimTime; wallMs: () => number }) {
    this.#time = needs.time
    this.#wallMs = needs.wallMs
  }

  now(): number {
    return this.#wallMs()
  }

  elapsed(): number {
    return this.#time.nowMs
  }

  after(ms: number, task: () => void): () => void {
    return this.#time.after(ms, () => {
      if (!this.#isDead) task()
    })
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted === true) return reject(signal.reason as Error)
      const aborted = () => {
        cancel()
        if (!this.#isDead) reject(signal?.reason as Error)
      }
      const cancel = this.after(ms, () => {
        signal?.removeEventListener('abort', aborted)
        resolve()
      })
      signal?.addEventListener('abort', aborted, { once: true })
    })
  }

  /** The power goes out: no timer of this life runs any more, so nothing of it goes on. */
  kill(): void {
    this.#isDead = true
  }

  get isDead(): boolean {
    return this.#isDead
  }
}
