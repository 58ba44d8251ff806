import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type FolderId, type ReplicaId } from '../../src/base/brand.ts'
import { systemClock } from '../../src/base/clock.ts'
import { RootGuard } from '../../src/engine/root-guard.ts'
import { MemoryDisk } from '../../src/fs/memory-disk.ts'
import { MemoryRoot } from '../../src/fs/memory-root.ts'

const OURS = { folder: 'ab'.repeat(16) as FolderId, replica: 'cd'.repeat(8) as ReplicaId }
const now = () => 0

function guarded(hasEntries: boolean, wasMarked = false) {
  const disk = new MemoryRoot({}, { now })
  let isMarked = wasMarked
  const index = { hasEntries: () => hasEntries, isMarked: () => isMarked }
  const marked = async () => void (isMarked = true)
  return { disk, index, guard: new RootGuard(OURS, { disk, index, marked, clock: systemClock }) }
}

test('a root whose index has never seen anything is marked', async () => {
  const { disk, guard } = guarded(false)
  assert.equal(await guard.trouble(), null)
  assert.deepEqual(await disk.readMarker(), OURS)
})

test('a root without a marker is not marked when the index knows of entries', async () => {
  const { disk, guard } = guarded(true)
  assert.match((await guard.trouble()) ?? '', /marker of this folder is missing/)
  assert.equal(await disk.readMarker(), null)
})

test('one look serves all who ask in one breath, and who asks later gets another', async () => {
  const { disk, guard } = guarded(false)
  let looks = 0
  const readMarker = disk.readMarker.bind(disk)
  disk.readMarker = () => (looks++, readMarker())
  await Promise.all([guard.trouble(), guard.trouble(), guard.trouble()])
  assert.equal(looks, 1)
  disk.disk = new MemoryDisk({ now })
  assert.match((await guard.trouble()) ?? '', /is the disk mounted/)
})

test('an empty mount is not marked once the marker has been seen, even if nothing was ever in the root', async () => {
  const { disk, guard } = guarded(false)
  await guard.trouble()
  disk.disk = new MemoryDisk({ now })
  assert.match((await guard.trouble()) ?? '', /is the disk mounted/)
  assert.equal(await disk.readMarker(), null)
})

test('an empty mount is not marked at a later start either, though nothing was ever in the root', async () => {
  const first = guarded(false)
  await first.guard.trouble()
  assert.ok(first.index.isMarked())
  const { disk, guard } = guarded(false, true)
  assert.match((await guard.trouble()) ?? '', /is the disk mounted/)
  assert.equal(await disk.readMarker(), null)
  await disk.writeMarker(OURS)
  assert.equal(await guard.trouble(), null)
})

test('an index that noted nothing of a marker yet notes the one that it finds', async () => {
  const { disk, index, guard } = guarded(true)
  await disk.writeMarker(OURS)
  assert.equal(await guard.trouble(), null)
  assert.ok(index.isMarked())
})

test('a marker that names the secret before is brought up to date; that of another host or folder is not', async () => {
  const previous = 'ef'.repeat(16) as FolderId
  const disk = new MemoryRoot({}, { now })
  const index = { hasEntries: () => true, isMarked: () => true }
  const guard = new RootGuard({ ...OURS, previous }, { disk, index, clock: systemClock })
  for (const foreign of [
    { folder: previous, replica: '99'.repeat(8) },
    { folder: '99'.repeat(16), replica: OURS.replica },
  ]) {
    await disk.writeMarker(foreign)
    assert.match((await guard.trouble()) ?? '', /another folder or host/)
    assert.deepEqual(await disk.readMarker(), foreign)
  }
  await disk.writeMarker({ ...OURS, folder: previous })
  assert.equal(await guard.trouble(), null)
  assert.deepEqual(await disk.readMarker(), OURS)
})
