import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Worker } from 'node:worker_threads'
import { FsError, type OpenFile } from '../../src/fs/root.ts'
import { type HashThreadData } from '../../src/scan/hash-message.ts'
import { startHashWorker } from '../../src/scan/hash-thread.ts'
import { HashedFileChanged, type Hasher, type HashProgress, PROGRESS_BYTES } from '../../src/scan/hasher.ts'
import { loadFindData } from '../../src/base/holes.ts'
import { InlineHasher } from '../../src/scan/inline-hasher.ts'
import { ThreadHasher } from '../../src/scan/thread-hasher.ts'
import { MAX_PIECE_BYTES, rootHash, SECTOR_BYTES } from '../../src/sync/piece-list.ts'
import { diskFile, listOf, memoryFile, someImage } from './open-files.ts'

const MIB = 1 << 20
const quiet = () => {}
const never = new AbortController().signal

/** A hasher that is closed with the test. */
function threads(t: { after(done: () => Promise<void>): void }, start = startHashWorker): ThreadHasher {
  const hasher = new ThreadHasher({}, { start })
  t.after(() => hasher.close())
  return hasher
}

const kinds: { name: string; make: (t: Parameters<typeof threads>[0]) => Hasher }[] = [
  { name: 'in a thread', make: (t) => threads(t) },
  { name: 'inline', make: () => new InlineHasher() },
]
const sizes = [0, 1, SECTOR_BYTES, 128 * 1024, 128 * 1024 + 1, MAX_PIECE_BYTES, MIB - 1, MIB, MIB + 1, 5 * MIB + 3]

for (const { name, make } of kinds) {
  for (const size of sizes) {
    test(`Hashed ${name}, a file of ${size} bytes has the pieces of the cut rule`, async (t) => {
      const image = someImage(size)
      const list = await make(t).hash(await diskFile(t, image), size, quiet, never)
      assert.deepEqual(rootHash(list), rootHash(listOf(image)))
    })
  }

  test(`Hashed ${name}, a large file's pieces are told as they are found`, async (t) => {
    const image = someImage(3 * PROGRESS_BYTES)
    const [told, hashes]: [number[], Uint8Array[]] = [[], []]
    const progress: HashProgress = (bytes, pieces) => {
      told.push(bytes)
      hashes.push(pieces.hashes)
    }
    const list = await make(t).hash(await diskFile(t, image), image.length, progress, never)
    assert.ok(told.length >= 2 && told.every((bytes, i) => bytes > (told[i - 1] ?? 0)), String(told))
    const known = Buffer.concat(hashes)
    assert.deepEqual(known, Buffer.from(list.hashes.subarray(0, known.length)))
    assert.ok(known.length > (list.hashes.length * 2) / 3 - 1_000)
  })

  for (const size of [1000, 2 * MIB]) {
    test(`Hashed ${name}, a file of ${size} bytes that shrinks or grows is told as changed`, async (t) => {
      const hasher = make(t)
      const file = await diskFile(t, someImage(size))
      await assert.rejects(hasher.hash(file, size + 1, quiet, never), HashedFileChanged)
      await assert.rejects(hasher.hash(file, size - 1, quiet, never), HashedFileChanged)
      assert.equal((await hasher.hash(file, size, quiet, never)).size, size)
    })
  }

  test(`Hashed ${name}, an aborted file rejects with the reason and the next one is hashed`, async (t) => {
    const hasher = make(t)
    const image = someImage(8 * MIB)
    const file = await diskFile(t, image)
    const stop = new AbortController()
    const hashing = hasher.hash(file, image.length, quiet, stop.signal)
    const waiting = hasher.hash(file, image.length, quiet, stop.signal)
    stop.abort(new Error('no longer wanted'))
    // Either may be the first to reject.
    await Promise.all([hashing, waiting].map((aborted) => assert.rejects(aborted, /no longer wanted/)))
    await assert.rejects(hasher.hash(file, image.length, quiet, stop.signal), /no longer wanted/)
    assert.deepEqual(await hasher.hash(file, image.length, quiet, never), listOf(image))
  })
}

test('A file without a descriptor is hashed through its reads', async (t) => {
  const image = someImage(3 * MIB + 5)
  assert.deepEqual(await threads(t).hash(memoryFile(image), image.length, quiet, never), listOf(image))
})

test('Many files at a time each get their own list, by two threads', async (t) => {
  const hasher = new ThreadHasher({ threads: 2 })
  t.after(() => hasher.close())
  const images = Array.from({ length: 20 }, (_, i) => someImage(MIB + i * 4096))
  const files = await Promise.all(images.map((image) => diskFile(t, image)))
  const lists = await Promise.all(files.map((file, i) => hasher.hash(file, images[i]!.length, quiet, never)))
  assert.deepEqual(lists, images.map(listOf))
})

test('Holes of a sparse file make the same pieces as zeros that were read', async (t) => {
  const hasher = threads(t)
  for (let data = MIB; data < 2 * MIB; data += 100_000) {
    const image = Buffer.concat([someImage(data), Buffer.alloc(5 * MIB + 5)])
    const file = await diskFile(t, image.subarray(0, data), image.length)
    assert.deepEqual(await hasher.hash(file, image.length, quiet, never), listOf(image))
  }
})

test('The hole of a sparse file of 100 GB is not read', async (t) => {
  if (loadFindData() === null) return t.skip('koffi is not installed: holes are read')
  const size = 100e9
  const list = await threads(t).hash(await diskFile(t, someImage(MIB), size), size, quiet, never)
  assert.equal(list.size, size)
  assert.ok(list.count > 190_000)
})

test('A thread that dies takes its job along, and the others are done by the next', async (t) => {
  let started = 0
  const start = (data: HashThreadData) =>
    ++started === 1
      ? new Worker(`require('worker_threads').parentPort.once('message', () => { throw new Error('out of luck') })`, {
          eval: true,
        })
      : startHashWorker(data)
  const hasher = threads(t, start)
  const image = someImage(2 * MIB)
  const file = await diskFile(t, image)
  const jobs = [1, 2, 3, 4].map(() => hasher.hash(file, image.length, quiet, never))
  const [first, ...others] = await Promise.allSettled(jobs)
  assert.match(String(first?.status === 'rejected' && first.reason), /crashed: out of luck; this file is hashed again/)
  for (const other of others) assert.deepEqual(other.status === 'fulfilled' && other.value, listOf(image))
  assert.equal(started, 2)
})

test('A read that fails rejects with the error of the file, which knows its path', async (t) => {
  const broken: OpenFile = {
    ...memoryFile(someImage(0)),
    fd: 1 << 20,
    read: () => Promise.reject(new FsError('io', 'debian.iso', 'it cannot be read')),
  }
  await assert.rejects(threads(t).hash(broken, MIB, quiet, never), /debian.iso: it cannot be read/)
})

test('A read that fails only once rejects as a failed read', async (t) => {
  const once: OpenFile = { ...memoryFile(someImage(MIB)), fd: 1 << 20 }
  await assert.rejects(threads(t).hash(once, MIB, quiet, never), FsError)
})

test('After close, jobs under way and new ones reject', async (t) => {
  const hasher = new ThreadHasher()
  const image = someImage(4 * MIB)
  const file = await diskFile(t, image)
  const jobs = [1, 2, 3, 4].map(() => hasher.hash(file, image.length, quiet, never))
  const settled = Promise.allSettled(jobs)
  await hasher.close()
  assert.deepEqual(new Set((await settled).map(({ status }) => status)), new Set(['rejected']))
  await assert.rejects(hasher.hash(file, image.length, quiet, never), /closed/)
})
