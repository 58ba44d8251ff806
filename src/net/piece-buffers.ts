/** Buffers that pieces are assembled in: pools of a few sizes, shared by all peers of this host. */
import { BufferPool } from '../base/buffer-pool.ts'
import { MAX_PIECE_BYTES } from '../sync/piece-list.ts'

/** The smallest size; pieces are 32 to 512 KiB. */
const SMALLEST_BYTES = 32 * 1024
/** Kept idle of each size: what comes from two fast peers before it is taken. */
const MOST_IDLE_BYTES = 8 << 20

export class PieceBuffers {
  readonly #pools: { bytes: number; pool: BufferPool }[] = []

  constructor() {
    for (let bytes = SMALLEST_BYTES; bytes <= MAX_PIECE_BYTES; bytes *= 2)
      this.#pools.push({ bytes, pool: new BufferPool({ bytes, mostIdle: MOST_IDLE_BYTES / bytes }) })
  }

  /** A buffer of at least `bytes` (at most MAX_PIECE_BYTES), with arbitrary content. */
  take(bytes: number): Buffer {
    return this.#poolFor(bytes).take()
  }

  give(buffer: Buffer): void {
    this.#poolFor(buffer.byteLength).give(buffer)
  }

  #poolFor(bytes: number): BufferPool {
    const found = this.#pools.find((pool) => pool.bytes >= bytes)
    if (found === undefined) throw new Error(`isosyncd bug: no piece has ${bytes} bytes`)
    return found.pool
  }
}
