/**
 * The records that were stored last, as they were stored: all peers are told of them next, and need not have them read again
 * from the rows that they have just become.
 */
import { type Sequenced } from './index-port.ts'

/** More than a transaction stores, and than a peer is told at a time: 1 KB each. */
const LEAST_KEPT = 2_000

export class LatestRecords {
  /** By sequence: all those after `#after` that have not been deleted. */
  #records: Sequenced[] = []
  #after = Infinity

  /** `record` is stored under the next sequence. */
  add(sequence: number, record: Sequenced['record']): void {
    if (this.#records.length === 0) this.#after = sequence - 1
    this.#records.push({ sequence, record })
    if (this.#records.length < 2 * LEAST_KEPT) return
    this.#records = this.#records.slice(-LEAST_KEPT)
    this.#after = (this.#records[0]?.sequence ?? 0) - 1
  }

  delete(sequence: number): void {
    const at = this.#indexAfter(sequence - 1)
    if (this.#records[at]?.sequence === sequence) this.#records.splice(at, 1)
  }

  /** The first `limit` after that sequence; null if some of them may have been stored before those that are kept. */
  following(sequence: number, limit: number): readonly Sequenced[] | null {
    if (sequence < this.#after) return null
    const from = this.#indexAfter(sequence)
    return this.#records.slice(from, from + limit)
  }

  /** What was stored has been undone, or stands there otherwise. */
  forget(): void {
    this.#records = []
    this.#after = Infinity
  }

  /** Where the first record after `sequence` is. */
  #indexAfter(sequence: number): number {
    let [low, high] = [0, this.#records.length]
    while (low < high) {
      const middle = (low + high) >> 1
      if ((this.#records[middle]?.sequence ?? 0) <= sequence) low = middle + 1
      else high = middle
    }
    return low
  }
}
