/**
 * Small contents that were read lately, to be taken up: whoever is told of them asks for them soon, and they need not be
 * read again. They were hashed as they lie here, so what is handed out is what their name says.
 */
import { LRUCache } from 'lru-cache'
import { type RootHash } from '../base/brand.ts'

const MOST_BYTES = 8 << 20
/** Of the cache itself, for each. */
const OVERHEAD_BYTES = 200

export class RecentContents {
  readonly #contents = new LRUCache<RootHash, Uint8Array>({
    maxSize: MOST_BYTES,
    sizeCalculation: (bytes) => bytes.byteLength + OVERHEAD_BYTES,
  })

  keep(root: RootHash, bytes: Uint8Array): void {
    this.#contents.set(root, bytes)
  }

  get(root: RootHash): Uint8Array | null {
    return this.#contents.get(root) ?? null
  }
}
