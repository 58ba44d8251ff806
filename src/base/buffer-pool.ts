/**
 * Buffers that are taken and given back. Memory outside the heap costs full collections when it is allocated at
 * hundreds of MB/s (README, "Design"); a pool costs nothing.
 */
import { assert } from './assert.ts'

export class BufferPool {
  readonly #bytes: number
  readonly #mostIdle: number
  readonly #idle: Buffer[] = []

  /** Buffers of `bytes` each; at most `mostIdle` are kept for later. */
  constructor(options: { bytes: number; mostIdle: number }) {
    this.#bytes = options.bytes
    this.#mostIdle = options.mostIdle
  }

  /** A buffer with arbitrary content. */
  take(): Buffer {
    return this.#idle.pop() ?? Buffer.allocUnsafeSlow(this.#bytes)
  }

  /** Gives a buffer back; nobody may look at it afterwards. */
  give(buffer: Buffer): void {
    assert(buffer.byteLength === this.#bytes, 'a buffer was given to a pool it is not from')
    if (this.#idle.length < this.#mostIdle) this.#idle.push(buffer)
  }
}
