/**
 * How fast a file becomes a piece list: the whole index path (read, cut, hash in a thread) on a file in page cache,
 * beside hashing memory with BLAKE3 and just reading the file. Prints one JSON line, rates in GB/s.
 *
 *     node bench/hashing.ts [MB, default 2048]
 */
import { randomFillSync } from 'node:crypto'
import { closeSync, mkdtempSync, openSync, readSync, rmSync, writeSync } from 'node:fs'
import { open } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { blake3, blake3Kind } from '../src/base/blake3.ts'
import { type OpenFile } from '../src/fs/root.ts'
import { ThreadHasher } from '../src/scan/thread-hasher.ts'

const MB = 1e6
const BLOCK_BYTES = 1 << 20
/** The middle of three runs. */
const RUNS = 3

const bytes = Math.ceil((Number(process.argv[2] ?? 2048) * MB) / BLOCK_BYTES) * BLOCK_BYTES
const directory = mkdtempSync(join(tmpdir(), 'isosyncd-bench-'))
try {
  const path = join(directory, 'image.iso')
  write(path)
  readAll(path)
  const readGBs = await median(() => readAll(path))
  const rawBlake3GBs = await median(hashMemory)
  const hasher = new ThreadHasher()
  await index(hasher, path) // starts the thread and warms the code
  const indexGBs = await median(() => index(hasher, path))
  await hasher.close()
  console.log(JSON.stringify({ bench: 'hashing', bytes, blake3: blake3Kind, indexGBs, rawBlake3GBs, readGBs }))
} finally {
  rmSync(directory, { recursive: true, force: true })
}

function write(path: string): void {
  const fd = openSync(path, 'w')
  const block = Buffer.alloc(BLOCK_BYTES)
  for (let at = 0; at < bytes; at += BLOCK_BYTES) writeSync(fd, randomFillSync(block))
  closeSync(fd)
}

function readAll(path: string): void {
  const fd = openSync(path, 'r')
  const block = Buffer.alloc(BLOCK_BYTES)
  while (readSync(fd, block) > 0);
  closeSync(fd)
}

/** In blocks that fit the cache, as the index path has them. */
function hashMemory(): void {
  const block = randomFillSync(Buffer.alloc(BLOCK_BYTES))
  for (let at = 0; at < bytes; at += BLOCK_BYTES) blake3(block)
}

async function index(hasher: ThreadHasher, path: string): Promise<void> {
  const handle = await open(path)
  const file = { fd: handle.fd } as OpenFile
  await hasher.hash(file, bytes, () => {}, new AbortController().signal)
  await handle.close()
}

async function median(run: () => void | Promise<void>): Promise<number> {
  const rates: number[] = []
  for (let i = 0; i < RUNS; i++) {
    const start = performance.now()
    await run()
    rates.push(bytes / 1e6 / (performance.now() - start))
  }
  return Math.round(rates.sort((a, b) => a - b)[RUNS >> 1]! * 100) / 100
}
