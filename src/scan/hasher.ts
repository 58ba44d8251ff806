/** The port to hashing: reads an open file once, cuts it, and names its pieces. */
import { type OpenFile } from '../fs/root.ts'
import { type PieceList } from '../sync/piece-list.ts'

export interface Hasher {
  /**
   * Reads `size` bytes of `file`. Fewer bytes there, or more, reject with HashedFileChanged: the caller waits until
   * the file has settled again. `progress` is told the bytes done, some ten times a second.
   */
  hash(file: OpenFile, size: number, progress: (bytes: number) => void, signal: AbortSignal): Promise<PieceList>
  close(): Promise<void>
}

/** The file grew or shrank while it was read. */
export class HashedFileChanged extends Error {
  override readonly name = 'HashedFileChanged'
}
