/**
 * Whose turn it is to be fetched. Contents wait by rank and size (sync/fetch-order.ts); short ones for themselves, as
 * they are not to wait for images, and come by the hundred. (Those that need no transfer at all are small-fetches.ts's.)
 */
import { type RootHash } from '../base/brand.ts'
import { type Clock } from '../base/clock.ts'
import { FetchQueue, mayStart, type Wish } from '../sync/fetch-order.ts'

/** Enough that files hide each other's round trips, few enough to finish some before all. */
const AT_A_TIME = { most: 24, mostOfAll: 96 }
/** Short ones are counted by themselves: what they cost is not their bytes but waiting for each other, */
const SHORT_BYTES = 128 * 1024
/** and this many fill the transactions of the index and the syncs of the disk. */
const SHORT_AT_A_TIME = 256
/** What has come is installed first: no more is begun while so many wait for it. */
const MOST_TO_INSTALL = 1_000
const START_LATER_MS = 20

export interface FetchTurnsNeeds {
  readonly clock: Pick<Clock, 'after'>
  /** What is missing of each content that is under way. */
  readonly underWay: () => Iterable<Wish & { readonly missingBytes: number }>
  /** Contents that are whole and wait for their turn to be installed. */
  readonly toInstall: () => number
  /** It is no longer waiting, but under way until `ended`. */
  readonly begin: (root: RootHash, wish: Wish) => void
}

export class FetchTurns {
  readonly #needs: FetchTurnsNeeds
  readonly #waiting = new FetchQueue<RootHash>()
  readonly #shortWaiting = new FetchQueue<RootHash>()
  /** Short ones under way. */
  #short = 0
  #isPaused = false
  #cancelStart: (() => void) | null = null

  constructor(needs: FetchTurnsNeeds) {
    this.#needs = needs
  }

  /** Contents that wait. */
  get count(): number {
    return this.#waiting.count + this.#shortWaiting.count
  }

  /** It waits from now on, until `next` finds that its turn has come. */
  add(root: RootHash, wish: Wish): void {
    const queue = isShort(wish) ? this.#shortWaiting : this.#waiting
    queue.set(root, wish)
  }

  delete(root: RootHash): void {
    this.#waiting.delete(root)
    this.#shortWaiting.delete(root)
  }

  /** Begins all whose turn has come. */
  next(): void {
    if (this.#isPaused) return
    for (let next = this.#waiting.first(); next !== null; next = this.#waiting.first()) {
      if (!mayStart(next[1], this.#largeUnderWay(), AT_A_TIME)) break
      this.#waiting.delete(next[0])
      this.#needs.begin(...next)
    }
    this.#nextShort()
  }

  /** One that was begun needs nothing from peers any more. */
  ended(wish: Pick<Wish, 'size'>): void {
    if (isShort(wish)) this.#short--
  }

  /** Nothing is begun until `resume`. */
  pause(): void {
    this.#isPaused = true
    this.#cancelStart?.()
    this.#cancelStart = null
  }

  resume(): void {
    this.#isPaused = false
    this.next()
  }

  #nextShort(): void {
    while (this.#short < SHORT_AT_A_TIME) {
      const next = this.#shortWaiting.first()
      if (next === null) return
      if (this.#needs.toInstall() >= MOST_TO_INSTALL) return this.#nextLater()
      this.#shortWaiting.delete(next[0])
      this.#short++
      this.#needs.begin(...next)
    }
  }

  #nextLater(): void {
    this.#cancelStart ??= this.#needs.clock.after(START_LATER_MS, () => {
      this.#cancelStart = null
      this.next()
    })
  }

  /** What is left to wish for. */
  #largeUnderWay(): readonly Wish[] {
    const large = [...this.#needs.underWay()].filter((wish) => !isShort(wish))
    return large.map(({ missingBytes, rank }) => ({ size: missingBytes, rank }))
  }
}

function isShort({ size }: Pick<Wish, 'size'>): boolean {
  return size <= SHORT_BYTES
}
