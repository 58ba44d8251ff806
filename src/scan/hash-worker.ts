/**
 * The body of a hashing thread: one file after the other, with blocking reads into one buffer. While it hashes, the
 * kernel reads ahead; from page cache, reading and hashing on one core make more than 2 GB/s. Started by HashThread.
 */
import { fstatSync, readSync } from 'node:fs'
import { parentPort, workerData } from 'node:worker_threads'
import { assert } from '../base/assert.ts'
import { MAX_PIECE_BYTES, type PieceList } from '../sync/piece-list.ts'
import { type HashJob, type HashReply, type HashThreadData } from './hash-message.ts'
import { type FindData, loadFindData } from '../base/holes.ts'
import { PROGRESS_BYTES } from './hasher.ts'
import { ListMaker } from './list-maker.ts'

/** More than the longest piece, and still in the second cache of the core: at 4 MiB it is 15 % slower. */
const BUFFER_BYTES = 1 << 20
/** From a disk that takes longer over PROGRESS_BYTES. */
const PROGRESS_EVERY_MS = 100
/** What st_blocks counts in. */
const BLOCK_BYTES = 512

assert(parentPort !== null, 'hash-worker.ts is not started as a thread')
const port = parentPort
const cancelled = new Int32Array((workerData as HashThreadData).cancelled)
const maker = new ListMaker(Buffer.allocUnsafeSlow(BUFFER_BYTES))
const beyond = Buffer.alloc(1)
/** Loaded with the first sparse file. */
let findData: FindData | null | undefined

port.on('message', (job: HashJob) => {
  const reply = hashed(job)
  if (reply.type !== 'done') return tell(reply)
  const { hashes, sectors } = reply.list
  port.postMessage(reply, [hashes.buffer as ArrayBuffer, sectors.buffer as ArrayBuffer])
})

function tell(reply: HashReply): void {
  port.postMessage(reply)
}

function hashed(job: HashJob): HashReply {
  const { slot, fd, size } = job
  maker.reset()
  let position = 0
  let told = { position: 0, ms: performance.now() }
  try {
    const seek = isSparse(fd, size) ? (findData ??= loadFindData()) : null
    while (position < size) {
      if (Atomics.load(cancelled, slot) !== 0) return { type: 'cancelled', slot }
      if (seek !== null) position = skipHole(seek, fd, position, size)
      const got = readSome(fd, position, size)
      if (got === 0 && position < size) return { type: 'changed', slot, how: `ended at ${position}` }
      maker.took(got)
      position += got
      if (position - told.position >= PROGRESS_BYTES || performance.now() - told.ms >= PROGRESS_EVERY_MS) {
        told = { position, ms: performance.now() }
        tell({ type: 'progress', slot, bytes: position, pieces: maker.takeNew() })
      }
    }
    if (readSync(fd, beyond, 0, 1, size) !== 0) return { type: 'changed', slot, how: 'grew' }
    return { type: 'done', slot, list: finished(size) }
  } catch (error) {
    return { type: 'failed', slot, position, error: error instanceof Error ? error.message : String(error) }
  }
}

function readSome(fd: number, position: number, size: number): number {
  const space = maker.space()
  return readSync(fd, space, 0, Math.min(space.byteLength, size - position), position)
}

function finished(size: number): PieceList {
  const list = maker.finish()
  assert(list.size === size, 'a piece list is as long as its file')
  return list
}

/** Much of it is not on the disk: worth asking where the holes are. */
function isSparse(fd: number, size: number): boolean {
  return size > MAX_PIECE_BYTES && fstatSync(fd).blocks * BLOCK_BYTES < size - MAX_PIECE_BYTES
}

/** Where to read on, after the pieces that lie in a hole have been taken as zeros. */
function skipHole(seek: FindData, fd: number, position: number, size: number): number {
  const start = maker.cutBytes
  const data = Math.min(seek(fd, start), size)
  return data - start >= MAX_PIECE_BYTES ? maker.skipZeros(data - start) : position
}
