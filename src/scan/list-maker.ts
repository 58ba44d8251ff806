/**
 * Turns a file's bytes, in whatever portions they come, into its piece list: cut, hash, collect. One buffer is used
 * all the time; what is left of it when no further cut is found is moved to its front. Reads nothing itself: the
 * hashing thread fills it with blocking reads, the inline hasher through an OpenFile.
 *
 *     while there is more: read into space(), took(n)
 *     finish()
 */
import { assert } from '../base/assert.ts'
import { blake3 } from '../base/blake3.ts'
import { nextCut } from '../sync/cut.ts'
import { MAX_PIECE_BYTES, type PieceList, PieceListBuilder } from '../sync/piece-list.ts'
import { zeroHash } from '../sync/zero.ts'

export class ListMaker {
  readonly #buffer: Buffer
  #list = new PieceListBuilder()
  /** The bytes of the unfinished piece: they begin at the buffer's front. */
  #kept = 0
  #cutBytes = 0

  /** Works in `buffer`, which must hold more than the longest piece; larger means fewer and larger reads. */
  constructor(buffer: Buffer) {
    assert(buffer.byteLength > MAX_PIECE_BYTES, 'a list maker needs room for more than one piece')
    this.#buffer = buffer
  }

  /** Where the next bytes of the file belong; never empty. */
  space(): Buffer {
    return this.#buffer.subarray(this.#kept)
  }

  /** The first `bytes` of `space()` have been filled. */
  took(bytes: number): void {
    const end = this.#kept + bytes
    const from = this.#cut(end, false)
    this.#buffer.copyWithin(0, from, end)
    this.#kept = end - from
  }

  /** Bytes of the file so far that are in finished pieces: where the unfinished piece begins. */
  get cutBytes(): number {
    return this.#cutBytes
  }

  /**
   * From `cutBytes` on there are `bytes` zeros, known without reading: adds those pieces of them that the cut rule
   * makes, forgets the unfinished piece, and tells where to go on reading.
   */
  skipZeros(bytes: number): number {
    for (let left = bytes; left >= MAX_PIECE_BYTES; left -= MAX_PIECE_BYTES) {
      this.#list.add(zeroHash(MAX_PIECE_BYTES), MAX_PIECE_BYTES)
      this.#cutBytes += MAX_PIECE_BYTES
    }
    this.#kept = 0
    return this.#cutBytes
  }

  /** The pieces that have been finished since the last call. */
  takeNew(): PieceList {
    return this.#list.takeNew()
  }

  /** The file ends here. The maker can be used for the next file. */
  finish(): PieceList {
    this.#cut(this.#kept, true)
    const list = this.#list.build()
    this.reset()
    return list
  }

  /** Forgets an unfinished file. */
  reset(): void {
    this.#list = new PieceListBuilder()
    this.#kept = 0
    this.#cutBytes = 0
  }

  /** Takes all finished pieces out of the first `end` bytes; returns where the unfinished one begins. */
  #cut(end: number, atEnd: boolean): number {
    let from = 0
    while (from < end) {
      const cut = nextCut(this.#buffer, from, end, atEnd)
      if (cut === -1) break
      this.#list.add(blake3(this.#buffer.subarray(from, cut)), cut - from)
      this.#cutBytes += cut - from
      from = cut
    }
    return from
  }
}
