import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type FolderId, type ReplicaId } from '../../src/base/brand.ts'
import { systemClock } from '../../src/base/clock.ts'
import { RootGuard } from '../../src/engine/root-guard.ts'
import { MemoryDisk } from '../../src/fs/memory-disk.ts'
import { MemoryRoot } from '../../src/fs/memory-root.ts'

const OURS = { folder: 'ab'.repeat(16) as FolderId, replica: 'cd'.repeat(8) as ReplicaId }
const now = () => 0

function guarded(hasEntries: boolean) {
  const disk = new MemoryRoot({}, { now })
  return { disk, guard: new RootGuard(OURS, { disk, index: { hasEntries: () => hasEntries }, clock: systemClock }) }
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
