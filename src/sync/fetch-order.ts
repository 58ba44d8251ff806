/**
 * In which order contents are fetched: by rank (`priorities` of the config, 0 first), then the smallest first, so that
 * small files are not kept waiting by images. Sizes within a factor of two count as one and go in the order they came.
 */

export interface Wish {
  readonly size: number
  readonly rank: number
  /** Nobody waits for its end (piece-picker.ts). */
  readonly patient?: boolean
}

/** Whether `a` is to be fetched before `b`. */
export function isBefore(a: Wish, b: Wish): boolean {
  return a.rank !== b.rank ? a.rank < b.rank : a.size < b.size
}

/**
 * Whether the next in line starts now, beside those that are `active` (what is missing of each): `most` at a time, but
 * who waits behind nobody but larger ones does not wait for them, up to `mostOfAll`.
 */
export function mayStart(
  next: Wish,
  active: readonly Wish[],
  { most, mostOfAll }: Record<'most' | 'mostOfAll', number>,
) {
  if (active.length < most) return true
  return active.length < mostOfAll && active.filter((other) => !isBefore(next, other)).length < most
}

/** What waits. All calls are O(number of different ranks and sizes' powers of two). */
export class FetchQueue<K> {
  readonly #classOf = new Map<K, number>()
  readonly #classes = new Map<number, Line<K>>()

  set(key: K, wish: Wish): void {
    this.delete(key)
    const number = classOf(wish)
    this.#classOf.set(key, number)
    const line = this.#classes.get(number) ?? new Line<K>()
    line.members.set(key, wish)
    this.#classes.set(number, line)
  }

  delete(key: K): void {
    const number = this.#classOf.get(key)
    if (number === undefined) return
    this.#classOf.delete(key)
    const line = this.#classes.get(number)
    line?.members.delete(key)
    if (line?.members.size === 0) this.#classes.delete(number)
  }

  /** Null: nobody waits. */
  first(): readonly [K, Wish] | null {
    if (this.#classes.size === 0) return null
    return this.#classes.get(Math.min(...this.#classes.keys()))?.first() ?? null
  }

  get count(): number {
    return this.#classOf.size
  }
}

/**
 * Those of one class, in the order in which they came. A Map keeps the places of what was deleted for a while, and a new
 * iterator walks over all of them: with a hundred thousand small files that took most of the time. So one goes on.
 */
class Line<K> {
  readonly members = new Map<K, Wish>()
  #walk = this.members.entries()
  #next: readonly [K, Wish] | null = null

  first(): readonly [K, Wish] | null {
    while (this.members.size > 0) {
      const next = this.#next
      if (next !== null && this.members.get(next[0]) === next[1]) return next
      const step = this.#walk.next()
      if (step.done === true) this.#walk = this.members.entries()
      this.#next = step.done === true ? null : step.value
    }
    return null
  }
}

const SIZE_CLASSES = 64

function classOf({ rank, size }: Wish): number {
  return rank * SIZE_CLASSES + Math.floor(Math.log2(size + 1))
}
