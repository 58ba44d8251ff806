/**
 * Stretches: runs of whole pieces of a file that is still being hashed. Peers are told of each as soon as its pieces
 * have been cut, and fetch it while the rest is being read. A stretch has a piece list and a name as a content has, and
 * is fetched, verified and traded as one; a content it is not: it is part of no record, and in no index.
 */
import { blake3 } from '../base/blake3.ts'
import { fromHex, type RelPath, type RootHash } from '../base/brand.ts'
import { ByteWriter } from './byte-writer.ts'
import {
  HASH_BYTES,
  MIN_PIECE_BYTES,
  pieceHash,
  type PieceList,
  PieceListBuilder,
  pieceOffsets,
  rootHash,
} from './piece-list.ts'
import { isZeroPiece } from './zero.ts'

/** Long enough to cost little, short enough to spread soon: a quarter second of 1 Gbit/s. */
export const STRETCH_BYTES = 32 << 20
/** Of the smallest size. */
export const MOST_STRETCH_PIECES = STRETCH_BYTES / MIN_PIECE_BYTES

export interface Stretch {
  readonly path: RelPath
  /** Bytes of the whole file. */
  readonly fileSize: number
  /** Where it begins in the file. */
  readonly offset: number
  readonly list: PieceList
}

const DOMAIN = 'isosync/1 stretch'
const writer = new ByteWriter()

/** The same on all hosts, and never that of a content. Part of the protocol. */
export function stretchName({ path, fileSize, offset, list }: Stretch): RootHash {
  writer.text(DOMAIN)
  writer.i64(fileSize)
  writer.i64(offset)
  writer.hex(rootHash(list))
  writer.text(path)
  return fromHex(blake3(writer.take()).toString('hex'))
}

export interface StretchCutterOptions {
  readonly path: RelPath
  readonly fileSize: number
  readonly stretchBytes: number
}

/** Makes stretches of a file's pieces as they come from the hasher. */
export class StretchCutter {
  readonly #options: StretchCutterOptions
  #builder = new PieceListBuilder()
  #isZero = true
  #offset = 0

  constructor(options: StretchCutterOptions) {
    this.#options = options
  }

  /** The pieces that follow; returns the stretches that are full with them. Zeros alone need not be told of: they are not sent. */
  add(pieces: PieceList): readonly Stretch[] {
    const { path, fileSize, stretchBytes } = this.#options
    const full: Stretch[] = []
    const offsets = pieceOffsets(pieces)
    for (let i = 0; i < pieces.count; i++) {
      const [hash, bytes] = [pieceHash(pieces, i), offsets[i + 1]! - offsets[i]!]
      this.#builder.add(hash, bytes)
      this.#isZero &&= isZeroPiece(hash, bytes)
      if (this.#builder.size < stretchBytes && this.#builder.count < MOST_STRETCH_PIECES) continue
      if (!this.#isZero) full.push({ path, fileSize, offset: this.#offset, list: this.#builder.build() })
      this.#offset += this.#builder.size
      this.#builder = new PieceListBuilder()
      this.#isZero = true
    }
    return full
  }
}

/** The ordinal in the whole file's list at which the stretch begins; null where other pieces lie there. */
export function ordinalOf({ offset, list }: Stretch, whole: PieceList, offsets: Float64Array): number | null {
  const from = ordinalAt(offset, offsets)
  const to = from + list.count
  // Whoever told of it may have lied about where its pieces lie: lengths as well as hashes are those of the whole.
  const isThere =
    offsets[from] === offset &&
    offsets[to] === offset + list.size &&
    Buffer.compare(whole.hashes.subarray(from * HASH_BYTES, to * HASH_BYTES), list.hashes) === 0 &&
    Buffer.compare(whole.sectors.subarray(from * 2, to * 2), list.sectors) === 0
  return isThere ? from : null
}

/** The last piece that begins at `offset` or before. */
function ordinalAt(offset: number, offsets: Float64Array): number {
  let [low, high] = [0, offsets.length - 1]
  while (low < high) {
    const middle = (low + high + 1) >>> 1
    if (offsets[middle]! <= offset) low = middle
    else high = middle - 1
  }
  return low
}
