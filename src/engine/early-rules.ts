/** What the index says about a file that might be fetched before its record is here. */
import { type RelPath } from '../base/brand.ts'
import { type FolderIndex } from '../db/index-port.ts'
import { pieceHash, type PieceList } from '../sync/piece-list.ts'
import { isZeroPiece } from '../sync/zero.ts'
import { type EarlyFile } from './early-file.ts'

/** Of a stretch so many pieces are looked for on this host: a point release has most of its own here. */
const PIECES_LOOKED_FOR = 16

export type EarlyIndex = Pick<FolderIndex, 'entry' | 'recordsOf' | 'findPiece' | 'placesOf'>

/** Something is at the path, or is to be: a matter of records. */
export function isKnown(path: RelPath, index: EarlyIndex): boolean {
  return isTaken(path, index) || isAnnounced(path, index)
}

/** Some host says that there is something. */
export function isAnnounced(path: RelPath, index: Pick<FolderIndex, 'recordsOf'>): boolean {
  return index.recordsOf(path).some(({ kind }) => kind !== 'tombstone')
}

/** Some of it lies here: an image that only has a new name is not sent at all, a point release hardly. */
export function liesHere(list: PieceList, index: EarlyIndex): boolean {
  const step = Math.max(1, Math.floor(list.count / PIECES_LOOKED_FOR))
  for (let ordinal = 0; ordinal < list.count; ordinal += step) {
    const hash = pieceHash(list, ordinal)
    const places = index.findPiece(hash)
    if (places.some(({ root, length }) => !isZeroPiece(hash, length) && index.placesOf(root).length > 0)) return true
  }
  return false
}

/** Its record is here, and its transfer waits for its turn. */
export function isComing({ path, size }: EarlyFile, index: EarlyIndex): boolean {
  const isIt = () => index.recordsOf(path).some((record) => record.kind === 'file' && record.size === size)
  return !isTaken(path, index) && isIt()
}

function isTaken(path: RelPath, index: EarlyIndex): boolean {
  const entry = index.entry(path)
  return entry !== null && entry.kind !== 'absent'
}
