/**
 * The cut rule: where pieces end. Part of the protocol: hosts that cut differently share no pieces.
 *
 * A cut may fall only at a multiple of 2,048 bytes from the file's start. It falls at the first such place, at least
 * MIN_PIECE_BYTES and less than MAX_PIECE_BYTES behind the piece's start, where a hash of the 64 bytes before it is
 * below CUT_BELOW; failing that, at MAX_PIECE_BYTES; and at the end of the file. It depends on nothing else, so content
 * that has been shifted by whole sectors is cut into the same pieces again, and only 3 % of the bytes are looked at.
 */
import { MAX_PIECE_BYTES, MIN_PIECE_BYTES, SECTOR_BYTES } from './piece-list.ts'

/** Bytes before a possible cut that decide on it: one cache line. */
const WINDOW_BYTES = 64

/**
 * One place in 48 is a cut: 32 KiB and then 96 KiB on average make pieces of 128 KiB. Measured on two point releases
 * (README, "Design"): what must be fetched is 1.18 of what is really new. Half the average makes it 1.07 and the index
 * twice as large, twice the average 1.32. Two thresholds (easier cuts in long pieces) gain 0.02 at most.
 */
const CUT_BELOW = Math.floor(2 ** 32 / 48)

/**
 * The offset in `bytes` where the piece that begins at `from` ends, or -1 if that needs more bytes than there are
 * before `end`. With `atEnd`, `end` is the end of the file: then it is never -1. `from < end` must lie at a multiple of
 * SECTOR_BYTES of the *file*; where that is in `bytes` does not matter. Allocates nothing.
 */
export function nextCut(bytes: Uint8Array, from: number, end: number, atEnd: boolean): number {
  const furthest = from + MAX_PIECE_BYTES
  const stop = Math.min(furthest - 1, atEnd ? end - 1 : end)
  for (let at = from + MIN_PIECE_BYTES; at <= stop; at += SECTOR_BYTES)
    if (cutsAfter(bytes, at - WINDOW_BYTES)) return at
  if (furthest <= end) return furthest
  return atEnd ? end : -1
}

/** Whether the window that begins at `at` asks for a cut behind it. All zeros do not, so zero runs make equal pieces. */
function cutsAfter(bytes: Uint8Array, at: number): boolean {
  let hash = 0x9e3779b9 | 0
  for (let i = at; i < at + WINDOW_BYTES; i += 4) {
    const word = bytes[i]! | (bytes[i + 1]! << 8) | (bytes[i + 2]! << 16) | (bytes[i + 3]! << 24)
    hash = Math.imul(hash ^ word, 0x85ebca6b)
    hash = (hash << 13) | (hash >>> 19)
  }
  return mixed(hash) < CUT_BELOW
}

/** Spreads the last words over all 32 bits (the end of MurmurHash3's finaliser), as an unsigned number. */
function mixed(hash: number): number {
  const h = Math.imul(hash ^ (hash >>> 16), 0xc2b2ae35)
  return (h ^ (h >>> 15)) >>> 0
}
