/**
 * What has just been read or written of a path: deciding about one asks for the same rows several times, and for those of
 * the directories above it with every file that lies in them. Whoever changes rows says so here.
 */
import { LRUCache } from 'lru-cache'
import { type RelPath } from '../base/brand.ts'

/** Paths that are worked on at a time, with some to spare: 1 KB each. */
const MOST_REMEMBERED = 2_000

export class Remembered<T extends object> {
  readonly #known = new LRUCache<RelPath, { readonly value: T | null }>({ max: MOST_REMEMBERED })
  readonly #read: (path: RelPath) => T | null

  constructor(needs: { readonly read: (path: RelPath) => T | null }) {
    this.#read = needs.read
  }

  get(path: RelPath): T | null {
    const known = this.#known.get(path)
    if (known !== undefined) return known.value
    const value = this.#read(path)
    this.#known.set(path, { value })
    return value
  }

  set(path: RelPath, value: T): void {
    this.#known.set(path, { value })
  }

  forget(path: RelPath): void {
    this.#known.delete(path)
  }

  /** A transaction has been undone: what was read in it is wrong. */
  forgetAll(): void {
    this.#known.clear()
  }
}
