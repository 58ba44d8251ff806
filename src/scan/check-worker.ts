/**
 * The body of the checking thread: reads at idle I/O priority, past the page cache (a scrub wants to know what the disk
 * holds, and should not drive out what others read), and hashes. Started by ThreadChecker.
 */
import { readSync } from 'node:fs'
import { parentPort } from 'node:worker_threads'
import { assert } from '../base/assert.ts'
import { blake3 } from '../base/blake3.ts'
import { dropFromCache, ioprioSetIdleThread } from '../base/native.ts'
import { HASH_BYTES, MAX_PIECE_BYTES } from '../sync/piece-list.ts'
import { type CheckJob, type CheckReply } from './check-message.ts'

assert(parentPort !== null, 'check-worker.ts is not started as a thread')
const port = parentPort
const buffer = Buffer.allocUnsafeSlow(MAX_PIECE_BYTES)
/** What filesystems say of bytes that they can no longer give. */
const LOST: ReadonlySet<string> = new Set(['EIO', 'EBADMSG', 'EUCLEAN', 'ENODATA', 'EILSEQ'])
ioprioSetIdleThread() // without it, the pace alone keeps the scrub out of the way

port.on('message', (job: CheckJob) => port.postMessage(checked(job)))

function checked({ fd, offsets, hashes }: CheckJob): CheckReply {
  const spans = offsets.length - 1
  const [begin = 0, end = 0] = [offsets[0], offsets[spans]]
  const bad: number[] = []
  const startedMs = performance.now()
  let position = begin
  dropFromCache(fd, begin, end - begin)
  try {
    for (let i = 0; i < spans; i++) {
      position = offsets[i] ?? 0
      const bytes = buffer.subarray(0, (offsets[i + 1] ?? 0) - position)
      const isWhole = fill(fd, bytes, position)
      if (!isWhole || !blake3(bytes).equals(hashes.subarray(i * HASH_BYTES, (i + 1) * HASH_BYTES))) bad.push(i)
    }
    return { type: 'checked', bad, readMs: performance.now() - startedMs }
  } catch {
    return { type: 'failed', position }
  } finally {
    dropFromCache(fd, begin, end - begin)
  }
}

/** False at the end of the file, and where the disk does not give the bytes. */
function fill(fd: number, bytes: Buffer, position: number): boolean {
  for (let done = 0; done < bytes.byteLength;) {
    const got = readSome(fd, bytes, done, position + done)
    if (got <= 0) return false
    done += got
  }
  return true
}

function readSome(fd: number, bytes: Buffer, done: number, position: number): number {
  try {
    return readSync(fd, bytes, done, bytes.byteLength - done, position)
  } catch (error) {
    if (LOST.has((error as NodeJS.ErrnoException).code ?? '')) return -1
    throw error
  }
}
