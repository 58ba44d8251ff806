/** What the caller's thread and a hashing thread (hash-worker.ts) say to each other. */
import { type PieceList } from '../sync/piece-list.ts'

/**
 * Jobs that a thread has at a time: one is hashed while the result of the other, and the next job, are on their way.
 * More would not be faster, and a thread that dies takes at most these along.
 */
export const SLOTS = 2

/** What a thread starts with. `cancelled` has an Int32 per slot; non-zero ends the job in that slot. */
export interface HashThreadData {
  readonly cancelled: SharedArrayBuffer
}

/** Hash `size` bytes of descriptor `fd` (threads of a process share descriptors). Jobs are done in the order sent. */
export interface HashJob {
  readonly slot: number
  readonly fd: number
  readonly size: number
}

export type HashReply =
  | { readonly type: 'progress'; readonly slot: number; readonly bytes: number; readonly pieces: PieceList }
  | { readonly type: 'done'; readonly slot: number; readonly list: PieceList }
  | { readonly type: 'cancelled'; readonly slot: number }
  /** The file has not the length that was asked for; `how` goes on after "the file of n bytes". */
  | { readonly type: 'changed'; readonly slot: number; readonly how: string }
  /** Reading failed at `position`. */
  | { readonly type: 'failed'; readonly slot: number; readonly position: number; readonly error: string }
