/**
 * One piece of work at a time for each path. Whoever changes a path on disk or decides on its records holds its lock
 * until the index has committed, so that an echo of our own work is compared with what the index then says.
 */
import { type RelPath } from '../base/brand.ts'

export class PathLocks {
  /** The end of the last work that was asked for each path. */
  readonly #tails = new Map<RelPath, Promise<void>>()

  /**
   * Runs `work` when all earlier work on these paths is done. All paths are asked for in one step, so works queue up
   * in one order everywhere and none waits in a circle. Whoever holds one already must not wait for another: `ifFree`.
   */
  async with<T>(paths: readonly RelPath[], work: () => Promise<T>): Promise<T> {
    const before = paths.flatMap((path) => this.#tails.get(path) ?? [])
    const { promise: done, resolve } = Promise.withResolvers<void>()
    for (const path of paths) this.#tails.set(path, done)
    try {
      if (before.length > 0) await Promise.all(before)
      return await work()
    } finally {
      for (const path of paths) if (this.#tails.get(path) === done) this.#tails.delete(path)
      resolve()
    }
  }

  /** Runs `work` if nobody works on the path or waits to; null, with nothing done, if somebody does. */
  async ifFree<T>(path: RelPath, work: () => Promise<T>): Promise<T | null> {
    return this.#tails.has(path) ? null : await this.with([path], work)
  }
}
