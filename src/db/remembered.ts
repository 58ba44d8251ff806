/**
 * What has just been read or written of a path: deciding about one asks for the same rows several times, and for those of
 * the directories above it with every file that lies in them. Whoever changes rows says so here.
 */
import QuickLRU from 'quick-lru'
import { type RelPath } from '../base/brand.ts'

/** The paths that are on their way here at a time (engine/remote-side.ts), with some to spare; at most twice as many: 1 KB each. */
const LEAST_REMEMBERED = 6_000

export class Remembered<T extends object> {
  readonly #known = new QuickLRU<RelPath, T | null>({ maxSize: LEAST_REMEMBERED })
  readonly #read: (path: RelPath) => T | null

  constructor(needs: { readonly read: (path: RelPath) => T | null }) {
    this.#read = needs.read
  }

  get(path: RelPath): T | null {
    const known = this.#known.get(path)
    if (known !== undefined) return known
    const value = this.#read(path)
    this.#known.set(path, value)
    return value
  }

  set(path: RelPath, value: T): void {
    this.#known.set(path, value)
  }

  forget(path: RelPath): void {
    this.#known.delete(path)
  }

  /** A transaction has been undone: what was read in it is wrong. */
  forgetAll(): void {
    this.#known.clear()
  }
}
