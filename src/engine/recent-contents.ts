/**
 * Small contents that came or were read lately, to be taken up: whoever is told of them asks for them soon, and they need
 * not be read again. They were hashed as they lie here, so what is handed out is what their name says.
 */
import { LRUCache } from 'lru-cache'
import { type RootHash } from '../base/brand.ts'
import { type Clock } from '../base/clock.ts'
import { Lookout } from '../base/lookout.ts'

/** A receiver is some ten thousand files of 1 kB behind what it is told; what is asked for too late is read again. */
const MOST_BYTES = 24 << 20
/** Of the cache itself, for each. */
const OVERHEAD_BYTES = 200
/** When nothing has come for so long, nobody asks for what came before. */
const FORGET_AFTER_MS = 30_000

export class RecentContents {
  readonly #contents = new LRUCache<RootHash, Uint8Array>({
    maxSize: MOST_BYTES,
    sizeCalculation: (bytes) => bytes.byteLength + OVERHEAD_BYTES,
  })
  readonly #clock: Pick<Clock, 'after' | 'elapsed'>
  readonly #lookout: Lookout
  #keptMs = 0

  constructor(needs: { readonly clock: Pick<Clock, 'after' | 'elapsed'> }) {
    this.#clock = needs.clock
    this.#lookout = new Lookout({ everyMs: FORGET_AFTER_MS, look: () => !this.#forgetOld(), clock: needs.clock })
  }

  keep(root: RootHash, bytes: Uint8Array): void {
    this.#contents.set(root, bytes)
    this.#keptMs = this.#clock.elapsed()
    this.#lookout.start()
  }

  get(root: RootHash): Uint8Array | null {
    return this.#contents.get(root) ?? null
  }

  /** True if nothing has come for so long. */
  #forgetOld(): boolean {
    const isOld = this.#clock.elapsed() - this.#keptMs >= FORGET_AFTER_MS
    if (isOld) this.#contents.clear()
    return isOld
  }
}
