/**
 * In which order contents are fetched: by rank (`priorities` of the config, 0 first), then the smallest first, so that
 * small files are not kept waiting by images. Sizes within a factor of two count as one and go in the order they came.
 */

export interface Wish {
  readonly size: number
  readonly rank: number
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
  readonly #classes = new Map<number, Map<K, Wish>>()

  set(key: K, wish: Wish): void {
    this.delete(key)
    const number = classOf(wish)
    this.#classOf.set(key, number)
    const members = this.#classes.get(number) ?? new Map<K, Wish>()
    this.#classes.set(number, members.set(key, wish))
  }

  delete(key: K): void {
    const number = this.#classOf.get(key)
    if (number === undefined) return
    this.#classOf.delete(key)
    const members = this.#classes.get(number)
    members?.delete(key)
    if (members?.size === 0) this.#classes.delete(number)
  }

  /** Null: nobody waits. */
  first(): readonly [K, Wish] | null {
    if (this.#classes.size === 0) return null
    const members = this.#classes.get(Math.min(...this.#classes.keys()))
    const entry = members?.entries().next()
    return entry === undefined || entry.done === true ? null : entry.value
  }

  get count(): number {
    return this.#classOf.size
  }
}

const SIZE_CLASSES = 64

function classOf({ rank, size }: Wish): number {
  return rank * SIZE_CLASSES + Math.floor(Math.log2(size + 1))
}
