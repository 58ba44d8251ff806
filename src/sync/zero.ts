/** All-zero pieces are known by their hash alone: they are neither sent nor read nor written. */
import { blake3 } from '../base/blake3.ts'
import { HASH_BYTES, MAX_PIECE_BYTES, SECTOR_BYTES } from './piece-list.ts'

const known = new Map<number, Uint8Array>()
let zeros: Uint8Array | null = null

/** Whether `hash` names `bytes` zero bytes. False for lengths that no piece has. */
export function isZeroPiece(hash: Uint8Array, bytes: number): boolean {
  if (bytes < 1 || bytes > MAX_PIECE_BYTES) return false
  const zero = zeroHash(bytes)
  for (let i = 0; i < HASH_BYTES; i++) if (hash[i] !== zero[i]) return false
  return true
}

/**
 * The BLAKE3 hash of `bytes` zeros, 1 to MAX_PIECE_BYTES. Whole sectors are remembered (256 of them); other lengths,
 * which only the last piece of a content has, are hashed each time, so that no one can make us remember half a million.
 */
export function zeroHash(bytes: number): Uint8Array {
  const remembered = known.get(bytes)
  if (remembered !== undefined) return remembered
  zeros ??= new Uint8Array(MAX_PIECE_BYTES)
  const hash = blake3(zeros.subarray(0, bytes))
  if (bytes % SECTOR_BYTES === 0) known.set(bytes, hash)
  return hash
}
