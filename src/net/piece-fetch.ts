/** One call of fetchPieces under way: assembles the pieces asked for, in order, and hands them on. */
import { PieceRefused } from './peer-port.ts'
import { ProtocolError } from './record-codec.ts'
import { type PieceBuffers } from './piece-buffers.ts'

export interface PieceFetchNeeds {
  readonly buffers: PieceBuffers
  /** Gets a piece; its bytes are valid until the promise has resolved. */
  readonly receive: (ordinal: number, bytes: Uint8Array) => Promise<void>
  /** So many bytes that had come are no longer held here. */
  readonly freed: (bytes: number) => void
  /** Everything has come and has been taken, or the fetch has failed. Called once. */
  readonly ended: (error: Error | null) => void
}

export class PieceFetch {
  readonly #ordinals: readonly number[]
  readonly #lengths: readonly number[]
  readonly #needs: PieceFetchNeeds
  #next = 0
  #buffer: Buffer | null = null
  #filled = 0
  #taking = 0
  #over = false
  /** Bytes that have not come yet. */
  missingBytes: number

  constructor(options: { ordinals: readonly number[]; lengths: readonly number[] }, needs: PieceFetchNeeds) {
    this.#ordinals = options.ordinals
    this.#lengths = options.lengths
    this.#needs = needs
    this.missingBytes = options.lengths.reduce((sum, length) => sum + length, 0)
  }

  /** It has ended, well or not: what still comes is thrown away. */
  get over(): boolean {
    return this.#over
  }

  /** The next bytes of the pieces asked for; they never reach over the end of one. */
  bytes(bytes: Uint8Array): void {
    const length = this.#lengths[this.#next] ?? 0
    if (this.#filled + bytes.byteLength > length) throw new ProtocolError('more bytes than a piece has')
    this.missingBytes -= bytes.byteLength
    this.#buffer ??= this.#needs.buffers.take(length)
    this.#buffer.set(bytes, this.#filled)
    this.#filled += bytes.byteLength
    if (this.#filled === length) this.#complete(this.#buffer, length)
  }

  refused(): void {
    this.fail(new PieceRefused('the peer does not have, or cannot read, a piece that was asked of it'))
  }

  /** Ends the fetch; pieces that are just being taken stay valid until they are. */
  fail(error: Error): void {
    if (this.#over) return
    this.#over = true
    if (this.#buffer !== null) {
      this.#needs.buffers.give(this.#buffer)
      this.#needs.freed(this.#filled)
    }
    this.#buffer = null
    this.#needs.ended(error)
  }

  #complete(buffer: Buffer, length: number): void {
    const ordinal = this.#ordinals[this.#next++] ?? 0
    this.#buffer = null
    this.#filled = 0
    this.#taking++
    void this.#take(ordinal, buffer, length)
  }

  async #take(ordinal: number, buffer: Buffer, length: number): Promise<void> {
    try {
      await this.#needs.receive(ordinal, buffer.subarray(0, length))
    } catch (error) {
      this.fail(error instanceof Error ? error : new Error(String(error)))
    } finally {
      this.#taking--
      this.#needs.buffers.give(buffer)
      this.#needs.freed(length)
    }
    if (this.#over || this.#taking > 0 || this.#next < this.#ordinals.length) return
    this.#over = true
    this.#needs.ended(null)
  }
}
