/**
 * Piece lists: the pieces of one content in order. A list is packed (two byte arrays), because an 8 GB image has
 * some 60,000 pieces. Its BLAKE3 hash is the root hash, the name of the content.
 */
import { assert } from '../base/assert.ts'
import { blake3Hex } from '../base/blake3.ts'
import { fromHex, type RootHash } from '../base/brand.ts'

/** Cuts fall at multiples of this: ISO 9660 images place every file at a sector. */
export const SECTOR_BYTES = 2048
/** Smaller pieces cost index and requests, larger ones cost reuse (README, "Design"). */
export const MIN_PIECE_BYTES = 32 * 1024
export const MAX_PIECE_BYTES = 512 * 1024
export const HASH_BYTES = 32
/** Bytes of a packed list per piece: its hash and its length in sectors (u16). */
export const PACKED_PIECE_BYTES = HASH_BYTES + 2

export interface PieceList {
  /** Bytes of the whole content. */
  readonly size: number
  /** Number of pieces; 0 for an empty file. */
  readonly count: number
  /** count × 32 bytes. */
  readonly hashes: Uint8Array
  /** count × u16 little-endian: length in sectors, rounded up (only the last piece can be shorter than that). */
  readonly sectors: Uint8Array
}

const DOMAIN = new TextEncoder().encode('isosync/1 piece list')
const HEAD_BYTES = DOMAIN.length + 16
/** What is hashed of a list of one piece, written anew for each: small files come by the hundred thousand. */
const headAndPiece = new Uint8Array(HEAD_BYTES + PACKED_PIECE_BYTES)

/** The hash of piece `ordinal`, a view of 32 bytes. */
export function pieceHash(list: PieceList, ordinal: number): Uint8Array {
  return list.hashes.subarray(ordinal * HASH_BYTES, (ordinal + 1) * HASH_BYTES)
}

/** Start of each piece in bytes, and the size as the last element: count + 1 numbers. */
export function pieceOffsets(list: PieceList): Float64Array {
  const offsets = new Float64Array(list.count + 1)
  let at = 0
  for (let i = 0; i < list.count; i++) {
    offsets[i] = at
    at += sectorsOf(list, i) * SECTOR_BYTES
  }
  offsets[list.count] = list.size
  return offsets
}

function sectorsOf(list: PieceList, ordinal: number): number {
  return (list.sectors[ordinal * 2] ?? 0) | ((list.sectors[ordinal * 2 + 1] ?? 0) << 8)
}

/** The name of the content: BLAKE3 of a domain, size, count, hashes and sectors. Part of the protocol. */
export function rootHash(list: PieceList): RootHash {
  const bytes = list.count === 1 ? headAndPiece : new Uint8Array(HEAD_BYTES + list.count * PACKED_PIECE_BYTES)
  const view = new DataView(bytes.buffer)
  bytes.set(DOMAIN)
  view.setBigUint64(DOMAIN.length, BigInt(list.size), true)
  view.setBigUint64(DOMAIN.length + 8, BigInt(list.count), true)
  bytes.set(list.hashes, HEAD_BYTES)
  bytes.set(list.sectors, HEAD_BYTES + list.hashes.length)
  return fromHex(blake3Hex(bytes))
}

/** The most pieces that a content of `size` bytes can have: a bound before anything is allocated. */
export function maxPieces(size: number): number {
  return Math.ceil(size / MIN_PIECE_BYTES)
}

/** Packs a list for the wire and the index: hashes, then sectors. */
export function packPieceList(list: PieceList): Uint8Array {
  const packed = new Uint8Array(list.count * PACKED_PIECE_BYTES)
  packed.set(list.hashes)
  packed.set(list.sectors, list.count * HASH_BYTES)
  return packed
}

/** The list that `packed` holds for a content of `size` bytes, or in words what is wrong with it. Allocates nothing. */
export function unpackPieceList(size: number, packed: Uint8Array): PieceList | string {
  if (packed.byteLength % PACKED_PIECE_BYTES !== 0) return 'its length is not a whole number of pieces'
  const count = packed.byteLength / PACKED_PIECE_BYTES
  if (count > maxPieces(size)) return `it has ${count} pieces, more than ${size} bytes can have`
  const list: PieceList = {
    size,
    count,
    hashes: packed.subarray(0, count * HASH_BYTES),
    sectors: packed.subarray(count * HASH_BYTES),
  }
  return pieceListTrouble(list) ?? list
}

/** Null when the lengths are ones that the cut rule could have made and add up to the size; else what is wrong. */
function pieceListTrouble(list: PieceList): string | null {
  let sectors = 0
  for (let i = 0; i < list.count; i++) {
    const n = sectorsOf(list, i)
    const last = i === list.count - 1
    if (n < 1 || n > MAX_PIECE_BYTES / SECTOR_BYTES) return `piece ${i} has ${n} sectors`
    if (!last && n < MIN_PIECE_BYTES / SECTOR_BYTES) return `piece ${i} is too short`
    sectors += n
  }
  return sectors === Math.ceil(list.size / SECTOR_BYTES) ? null : 'its pieces do not add up to the size of the content'
}

/** Collects pieces in order; the cutter and tests use it. */
export class PieceListBuilder {
  #hashes: Uint8Array[] = []
  #sectors: number[] = []
  #size = 0
  #taken = 0
  #takenBytes = 0

  add(hash: Uint8Array, bytes: number): void {
    assert(this.#size % SECTOR_BYTES === 0, 'a piece follows one that does not end at a sector')
    this.#hashes.push(hash)
    this.#sectors.push(Math.ceil(bytes / SECTOR_BYTES))
    this.#size += bytes
  }

  get size(): number {
    return this.#size
  }

  get count(): number {
    return this.#sectors.length
  }

  build(): PieceList {
    return this.#built(0, this.#size)
  }

  /** Those that were added since the last call, as a list of their own. */
  takeNew(): PieceList {
    const list = this.#built(this.#taken, this.#size - this.#takenBytes)
    this.#taken = this.#sectors.length
    this.#takenBytes = this.#size
    return list
  }

  #built(from: number, size: number): PieceList {
    const count = this.#sectors.length - from
    const hashes = new Uint8Array(count * HASH_BYTES)
    for (let i = 0; i < count; i++) hashes.set(this.#hashes[from + i]!, i * HASH_BYTES)
    const sectors = new Uint8Array(count * 2)
    const view = new DataView(sectors.buffer)
    for (let i = 0; i < count; i++) view.setUint16(i * 2, this.#sectors[from + i]!, true)
    return { size, count, hashes, sectors }
  }
}
