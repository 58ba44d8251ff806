/**
 * The hasher without a thread: reads through the OpenFile itself. For files that have no descriptor (the fakes), and
 * for small ones, where sending a message to a thread costs more than hashing.
 */
import { BufferPool } from '../base/buffer-pool.ts'
import { type OpenFile } from '../fs/root.ts'
import { type PieceList } from '../sync/piece-list.ts'
import { HashedFileChanged, type Hasher, type HashProgress, PROGRESS_BYTES } from './hasher.ts'
import { ListMaker } from './list-maker.ts'

/** More than the longest piece (512 KiB); larger reads are no faster. */
const BUFFER_BYTES = 1 << 20
/** As many files as are usually hashed at a time. */
const MOST_IDLE_BUFFERS = 4

export class InlineHasher implements Hasher {
  readonly #buffers = new BufferPool({ bytes: BUFFER_BYTES, mostIdle: MOST_IDLE_BUFFERS })

  async hash(file: OpenFile, size: number, progress: HashProgress, signal: AbortSignal): Promise<PieceList> {
    signal.throwIfAborted()
    const buffer = this.#buffers.take()
    try {
      return await hashThrough(new ListMaker(buffer), file, size, progress, signal)
    } finally {
      this.#buffers.give(buffer)
    }
  }

  async close(): Promise<void> {}
}

/** Asks for one byte more than `size`, so that one read shows a small file whole and that it has not grown. */
async function hashThrough(
  maker: ListMaker,
  file: OpenFile,
  size: number,
  progress: HashProgress,
  signal: AbortSignal,
): Promise<PieceList> {
  let done = 0
  let told = 0
  for (;;) {
    const space = maker.space()
    const wanted = space.subarray(0, Math.min(space.byteLength, size + 1 - done))
    const got = await file.read(wanted, done)
    signal.throwIfAborted()
    done += got
    if (done > size) throw changed(size, 'grew')
    maker.took(got)
    if (got < wanted.byteLength) break
    if (done - told >= PROGRESS_BYTES) progress((told = done), maker.takeNew())
  }
  if (done < size) throw changed(size, `ended at ${done}`)
  return maker.finish()
}

function changed(size: number, how: string): HashedFileChanged {
  return new HashedFileChanged(`the file of ${size} bytes ${how} while it was hashed; it is looked at again later`)
}
