import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { test } from 'node:test'
import { blake3 } from '../../src/base/blake3.ts'
import { type ContentPlace } from '../../src/db/index-port.ts'
import { openIndexDatabase } from '../../src/db/open.ts'
import { ContentReader } from '../../src/engine/content-reader.ts'
import { fileEntry } from '../../src/engine/tree-changes.ts'
import { MemoryRoot } from '../../src/fs/memory-root.ts'
import { InlineHasher } from '../../src/scan/inline-hasher.ts'
import { rootHash } from '../../src/sync/piece-list.ts'
import { folderNamed, path, versionOf } from '../db/index-samples.ts'
import { VirtualClock } from '../net/virtual-clock.ts'

const CONTENT = randomBytes(50_000)

/** The same content under these names, and a reader of it. */
async function reading(names: readonly string[]) {
  const clock = new VirtualClock()
  let stamp = 1.7e15
  const disk = new MemoryRoot({}, { now: () => stamp++ })
  const index = openIndexDatabase(':memory:').folder(folderNamed('f'))
  let root = rootHash({ size: 0, count: 0, hashes: new Uint8Array(), sectors: new Uint8Array() })
  for (const name of names) {
    disk.user.write(name, CONTENT)
    const file = await disk.open(path(name))
    const list = await new InlineHasher().hash(file, CONTENT.byteLength, () => {}, new AbortController().signal)
    root = rootHash(list)
    const entry = fileEntry(path(name), root, versionOf('a', 1), await file.stat())
    index.commit([
      { op: 'content', root, list },
      { op: 'entry', entry },
    ])
  }
  const suspects: string[] = []
  const reader = new ContentReader({
    index,
    openPlace: (place) => disk.open(place.in === 'tree' ? place.entry.path : path('none')),
    suspect: (place: ContentPlace) => suspects.push(place.in === 'tree' ? place.entry.path : place.name),
    clock,
  })
  const into = new Uint8Array(1000)
  const read = async (offset: number) => {
    const bytes = CONTENT.subarray(offset, offset + into.byteLength)
    const got = await reader.read(root, offset, blake3(bytes), into)
    return got && Buffer.from(into).equals(bytes)
  }
  return { disk, suspects, read }
}

test('bytes that are not what their hash says are not given, and where they lie is suspected', async () => {
  const { disk, suspects, read } = await reading(['a'])
  disk.user.rot('a', 10_500)
  assert.equal(await read(0), true)
  assert.deepEqual(suspects, [])
  assert.equal(await read(10_000), false)
  assert.deepEqual(suspects, ['a'])
  assert.equal(await read(20_000), true, 'what is right is given still')
})

test('another copy on this host gives what one has lost', async () => {
  const { disk, suspects, read } = await reading(['a', 'b'])
  disk.user.rot('a', 10_500)
  assert.equal(await read(10_000), true)
  assert.deepEqual(suspects, ['a'])
})

test('what somebody has changed since is not read at all, and not suspected', async () => {
  const { disk, suspects, read } = await reading(['a'])
  disk.user.write('a', randomBytes(50_000))
  assert.equal(await read(0), false)
  assert.deepEqual(suspects, [])
})
