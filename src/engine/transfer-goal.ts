/** What a transfer is for: a content that paths want, or a stretch of a file that is still being hashed elsewhere. */
import { type RootHash } from '../base/brand.ts'
import { type StagedFile } from '../fs/root.ts'
import { type PieceList } from '../sync/piece-list.ts'
import { type PieceSet } from '../sync/piece-set.ts'

/** A file in staging; which pieces have been verified and written there, where this is known. */
export interface OpenStaged {
  readonly staged: StagedFile
  readonly pieces: PieceSet | null
}

/** Asked with the name of the content or stretch. */
export interface TransferGoal {
  /** Its verified list. Rejects only when `signal` is aborted. */
  readonly pieceList: (name: RootHash, size: number, signal: AbortSignal) => Promise<PieceList>
  /** Where its bytes go. Throws what the disk throws. */
  readonly open: (name: RootHash, list: PieceList) => Promise<OpenStaged>
  /** It is whole and synced in staging. */
  readonly whole: (name: RootHash) => void
  /** The transfer cannot go on, and has ended: the disk failed. */
  readonly failed: (name: RootHash, error: unknown, missingBytes: number) => void
}
