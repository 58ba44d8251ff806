/** A clock that stands still until it is told to go on. Tasks run in the order of their time, then of their setting. */
import { type Clock } from '../../src/base/clock.ts'

export class VirtualClock implements Clock {
  #nowMs = 0
  #tasks: { atMs: number; task: () => void }[] = []

  /** How wrong the date is. */
  skewMs = 0

  now(): number {
    return 1_700_000_000_000 + this.skewMs + this.#nowMs
  }

  elapsed(): number {
    return this.#nowMs
  }

  after(ms: number, task: () => void): () => void {
    const entry = { atMs: this.#nowMs + ms, task }
    this.#tasks.push(entry)
    this.#tasks.sort((a, b) => a.atMs - b.atMs)
    return () => (this.#tasks = this.#tasks.filter((other) => other !== entry))
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const aborted = () => {
        stop()
        reject(signal?.reason as Error)
      }
      const stop = this.after(ms, () => {
        signal?.removeEventListener('abort', aborted)
        resolve()
      })
      signal?.addEventListener('abort', aborted)
    })
  }

  /** Runs everything that falls due within `ms`, with promises settled in between. */
  async pass(ms: number): Promise<void> {
    const endMs = this.#nowMs + ms
    for (;;) {
      await settle()
      const next = this.#tasks[0]
      if (next === undefined || next.atMs > endMs) break
      this.#tasks.shift()
      this.#nowMs = next.atMs
      next.task()
    }
    this.#nowMs = endMs
  }
}

/** Lets all promises that can settle do so. */
export function settle(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}
