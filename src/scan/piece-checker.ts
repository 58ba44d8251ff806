/** The port to re-reading: compares pieces of an open file with what their hashes say. */
import { blake3 } from '../base/blake3.ts'
import { FsError, type OpenFile } from '../fs/root.ts'
import { MAX_PIECE_BYTES, pieceHash, type PieceList, pieceOffsets } from '../sync/piece-list.ts'

export interface Checked {
  /** Ordinals of the pieces that are not what their hashes say. */
  readonly bad: readonly number[]
  /** How long the disk was read. */
  readonly readMs: number
}

export interface PieceChecker {
  /**
   * Reads the pieces `from` to `to` (not included). Those behind the end of a file, and those that the disk does not
   * give (some filesystems know their own checksums), are bad.
   */
  check(file: OpenFile, list: PieceList, from: number, to: number): Promise<Checked>
  /** Nothing is to be checked for a while: gives back what checking holds. */
  rest(): Promise<void>
}

/** Reads through the OpenFile itself: for files that have no descriptor (the fakes), and small ones. */
export class InlineChecker implements PieceChecker {
  readonly #elapsed: () => number

  constructor(needs: { readonly elapsed: () => number }) {
    this.#elapsed = needs.elapsed
  }

  async check(file: OpenFile, list: PieceList, from: number, to: number): Promise<Checked> {
    const offsets = pieceOffsets(list)
    const buffer = Buffer.allocUnsafe(Math.min(MAX_PIECE_BYTES, list.size))
    const bad: number[] = []
    const startedMs = this.#elapsed()
    for (let ordinal = from; ordinal < to; ordinal++) {
      const offset = offsets[ordinal] ?? 0
      const bytes = buffer.subarray(0, (offsets[ordinal + 1] ?? 0) - offset)
      const got = await file.read(bytes, offset).catch(nothingFromTheDisk)
      if (got < bytes.byteLength || !blake3(bytes).equals(pieceHash(list, ordinal))) bad.push(ordinal)
    }
    return { bad, readMs: this.#elapsed() - startedMs }
  }

  async rest(): Promise<void> {}
}

function nothingFromTheDisk(error: unknown): number {
  if (error instanceof FsError && error.code === 'io') return -1
  throw error
}
