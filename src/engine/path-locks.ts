/**
 * One piece of work at a time for each path. Whoever changes a path on disk or decides on its records holds its lock
 * until the index has committed, so that an echo of our own work is compared with what the index then says.
 */
import { type RelPath } from '../base/brand.ts'

export class PathLocks {
  #tails = new Map<RelPath, Promise<void>>()

  /** Runs `work` when all earlier work on these paths is done. Locks are taken in one order, so none waits for ever. */
  async with<T>(paths: readonly RelPath[], work: () => Promise<T>): Promise<T> {
    const [first, ...rest] = [...new Set(paths)].sort()
    if (first === undefined) return await work()
    const before = this.#tails.get(first) ?? Promise.resolve()
    const run = before.then(() => (rest.length > 0 ? this.with(rest, work) : work()))
    const tail = run.then(
      () => undefined,
      () => undefined,
    )
    this.#tails.set(first, tail)
    try {
      return await run
    } finally {
      if (this.#tails.get(first) === tail) this.#tails.delete(first)
    }
  }
}
