/** The port to hashing: reads an open file once, cuts it, and names its pieces. */
import { type OpenFile } from '../fs/root.ts'
import { type PieceList } from '../sync/piece-list.ts'

/** A hundredth of a second from the kernel's cache. */
export const PROGRESS_BYTES = 16 << 20

export interface Hasher {
  /**
   * Reads `size` bytes of `file`. Fewer bytes there, or more, reject with HashedFileChanged: the caller waits until
   * the file has settled again. `progress` is told after each PROGRESS_BYTES, and oftener of a slow disk.
   */
  hash(file: OpenFile, size: number, progress: HashProgress, signal: AbortSignal): Promise<PieceList>
  close(): Promise<void>
}

/** The bytes done, and the pieces that have been finished since the last call; those of the end come with the whole list. */
export type HashProgress = (bytes: number, pieces: PieceList) => void

/** The file grew or shrank while it was read. */
export class HashedFileChanged extends Error {
  override readonly name = 'HashedFileChanged'
}
