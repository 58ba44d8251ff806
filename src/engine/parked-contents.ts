/**
 * Contents that no connected peer has all of, since the only host that had them went away: they make room for others.
 * Peers still know that they are wanted, and what one tells of them takes them up again.
 */
import { type RootHash } from '../base/brand.ts'
import { type Wish } from '../sync/fetch-order.ts'
import { type Transfer } from './transfer.ts'

/** A peer that has just connected has told what it has by then. */
export const PARK_AFTER_MS = 10_000
/** Shown to the operator after this: a host that restarts is back sooner. */
export const SHOWN_AFTER_MS = 60_000

interface Parked {
  readonly wish: Wish
  readonly sinceMs: number
  /** Its transfer has let go of its staging file. */
  readonly closed: Promise<void>
}

export class ParkedContents {
  /** Since when nobody offers what is missing of a transfer. */
  readonly #since = new Map<Transfer, number>()
  readonly #parked = new Map<RootHash, Parked>()

  /** Looks at all transfers; those that nobody could have helped for a while may be parked. */
  look(transfers: readonly Transfer[], nowMs: number): readonly Transfer[] {
    const without = transfers.filter((transfer) => !transfer.isOffered)
    for (const transfer of this.#since.keys()) if (!without.includes(transfer)) this.#since.delete(transfer)
    for (const transfer of without) if (!this.#since.has(transfer)) this.#since.set(transfer, nowMs)
    return without.filter((transfer) => nowMs - this.#sinceMs(transfer) >= PARK_AFTER_MS)
  }

  park(transfer: Transfer, closed: Promise<void>): void {
    const { root, size, rank, patient } = transfer
    this.#parked.set(root, { wish: { size, rank, patient }, sinceMs: this.#sinceMs(transfer), closed })
    this.#since.delete(transfer)
  }

  /** It is no longer parked: null if it was not. The wish may be followed when this resolves. */
  async take(root: RootHash): Promise<Wish | null> {
    const parked = this.#parked.get(root)
    if (parked === undefined) return null
    await parked.closed
    return this.#parked.delete(root) ? parked.wish : null
  }

  drop(root: RootHash): boolean {
    return this.#parked.delete(root)
  }

  has(root: RootHash): boolean {
    return this.#parked.has(root)
  }

  roots(): readonly RootHash[] {
    return [...this.#parked.keys()]
  }

  /** What nobody has had for so long that the operator should know. */
  missing(nowMs: number): readonly RootHash[] {
    const old = (sinceMs: number) => nowMs - sinceMs >= SHOWN_AFTER_MS
    return [
      ...[...this.#since].filter(([, sinceMs]) => old(sinceMs)).map(([{ root }]) => root),
      ...[...this.#parked].filter(([, { sinceMs }]) => old(sinceMs)).map(([root]) => root),
    ]
  }

  #sinceMs(transfer: Transfer): number {
    return this.#since.get(transfer) ?? Infinity
  }
}
