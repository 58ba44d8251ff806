/**
 * A pool for buffers that travel through code that is not ours: whoever is the last to look at one finds it again by
 * the view that reached him. What never comes back is garbage like any other, so nothing leaks where a connection dies.
 */
import { BufferPool } from './buffer-pool.ts'

/** What is shorter than this part of a buffer is not worth one. */
const WORTH_IT = 1 / 4

export class LentBuffers {
  readonly #bytes: number
  readonly #pool: BufferPool
  readonly #lent = new WeakMap<ArrayBufferLike, { readonly buffer: Buffer; readonly bytes: number }>()

  /** Buffers of up to `bytes` each; at most `mostIdle` are kept for later. */
  constructor(options: { bytes: number; mostIdle: number }) {
    this.#bytes = options.bytes
    this.#pool = new BufferPool(options)
  }

  /** A buffer of `bytes` with arbitrary content. */
  take(bytes: number): Buffer {
    if (bytes < this.#bytes * WORTH_IT || bytes > this.#bytes) return Buffer.allocUnsafe(bytes)
    const buffer = this.#pool.take()
    this.#lent.set(buffer.buffer, { buffer, bytes })
    return buffer.subarray(0, bytes)
  }

  /**
   * Nobody looks any more at the bytes before `view` (so many as `from` says), at `view`, and behind it. A view that
   * does not span the rest of what was lent is ignored: somebody else has that.
   */
  giveBack(view: Uint8Array, from: number): void {
    const lent = this.#lent.get(view.buffer)
    if (lent === undefined || view.byteOffset !== from || from + view.byteLength !== lent.bytes) return
    this.#lent.delete(view.buffer)
    this.#pool.give(lent.buffer)
  }
}
