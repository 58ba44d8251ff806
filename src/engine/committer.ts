/**
 * Gathers changes of the index into one transaction every few milliseconds: a commit waits for the disk, and a
 * thousand small files must not wait a thousand times.
 */
import { type Clock } from '../base/clock.ts'
import { type Change, type FolderIndex } from '../db/index-port.ts'

/** Long enough to gather what arrives together, short enough not to be felt. */
const GATHER_MS = 2

interface Waiting {
  readonly decide: () => readonly Change[]
  readonly resolve: () => void
  readonly reject: (error: unknown) => void
}

export class Committer {
  readonly #index: Pick<FolderIndex, 'commit' | 'together'>
  readonly #clock: Pick<Clock, 'after'>
  readonly #failed: (error: unknown) => void
  #waiting: Waiting[] = []

  /** `failed` hears of each transaction that could not be made, besides those who wait for it. */
  constructor(needs: {
    index: Pick<FolderIndex, 'commit' | 'together'>
    clock: Pick<Clock, 'after'>
    failed: (error: unknown) => void
  }) {
    this.#index = needs.index
    this.#clock = needs.clock
    this.#failed = needs.failed
  }

  /**
   * Commits what `decide` returns; it is called inside the transaction, so it sees all earlier changes. Resolves when
   * they are durable. If any of the transaction fails, all of it is undone and every caller gets the error.
   */
  commit(decide: () => readonly Change[]): Promise<void> {
    return new Promise((resolve, reject) => {
      if (this.#waiting.length === 0) this.#clock.after(GATHER_MS, () => this.flush())
      this.#waiting.push({ decide, resolve, reject })
    })
  }

  /** Commits now what has been gathered. */
  flush(): void {
    const batch = this.#waiting
    if (batch.length === 0) return
    this.#waiting = []
    try {
      this.#index.together(() => {
        for (const { decide } of batch) this.#index.commit(decide())
      })
    } catch (error) {
      for (const { reject } of batch) reject(error)
      return this.#failed(error)
    }
    for (const { resolve } of batch) resolve()
  }
}
