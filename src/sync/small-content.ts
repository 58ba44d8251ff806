/**
 * Small contents: those that the cut rule never cuts, so that their bytes alone make their piece list, and thereby prove
 * that they are what was asked for. They need no list, no picking of pieces and no staging until they are there.
 */
import { blake3 } from '../base/blake3.ts'
import { type RootHash } from '../base/brand.ts'
import { MIN_PIECE_BYTES, type PieceList, rootHash, SECTOR_BYTES } from './piece-list.ts'
import { ownerOf } from './shares.ts'

/** Longer ones may be cut. */
export const MOST_SMALL_BYTES = MIN_PIECE_BYTES

const EMPTY: PieceList = { size: 0, count: 0, hashes: new Uint8Array(0), sectors: new Uint8Array(0) }

export function isSmall(size: number): boolean {
  return size <= MOST_SMALL_BYTES
}

/** The piece list of a small content. */
export function smallList(bytes: Uint8Array): PieceList {
  const size = bytes.byteLength
  if (size === 0) return EMPTY
  return {
    size,
    count: 1,
    hashes: new Uint8Array(blake3(bytes)),
    sectors: Uint8Array.of(Math.ceil(size / SECTOR_BYTES), 0),
  }
}

/** The list, if these are the bytes of that content; else null. */
export function provenList(root: RootHash, bytes: Uint8Array): PieceList | null {
  const list = smallList(bytes)
  return rootHash(list) === root ? list : null
}

/**
 * Whether `self`, of all receivers that want it, is the one to fetch it from its source, so that it leaves the source
 * once. The others get it from that one.
 */
export function isOurs(root: RootHash, self: string, others: Iterable<string>): boolean {
  const anyBits = Number.parseInt(root.slice(0, 8), 16)
  return ownerOf(anyBits, [self, ...others]) === self
}
