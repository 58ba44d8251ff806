/** The real clock, for real sockets, that can be told that hours have passed. */
import { type Clock } from '../../src/base/clock.ts'

export class JumpingClock implements Clock {
  #jumpedMs = 0
  readonly #tasks = new Set<{ readonly atMs: number; readonly task: () => void; timer: NodeJS.Timeout }>()

  now(): number {
    return Date.now() + this.#jumpedMs
  }

  elapsed(): number {
    return performance.now() + this.#jumpedMs
  }

  after(ms: number, task: () => void): () => void {
    const entry = { atMs: this.elapsed() + ms, task, timer: setTimeout(() => {}, 0) }
    this.#tasks.add(entry)
    this.#arm(entry)
    return () => {
      clearTimeout(entry.timer)
      this.#tasks.delete(entry)
    }
  }

  async sleep(ms: number): Promise<void> {
    await new Promise<void>((resolve) => this.after(ms, resolve))
  }

  /** Whatever falls due within `ms` does so now. */
  jump(ms: number): void {
    this.#jumpedMs += ms
    for (const entry of this.#tasks) this.#arm(entry)
  }

  #arm(entry: { readonly atMs: number; readonly task: () => void; timer: NodeJS.Timeout }): void {
    clearTimeout(entry.timer)
    const run = () => {
      this.#tasks.delete(entry)
      entry.task()
    }
    entry.timer = setTimeout(run, Math.min(Math.max(0, entry.atMs - this.elapsed()), 2 ** 31 - 1)).unref()
  }
}
