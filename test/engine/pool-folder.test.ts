/** A whole folder on a disk and an index in memory, with a peer that only listens. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type ReplicaId } from '../../src/base/brand.ts'
import { silentLog } from '../../src/base/log.ts'
import { generateSecret, parseSecret } from '../../src/base/secret.ts'
import { openIndexDatabase } from '../../src/db/open.ts'
import { PoolFolder } from '../../src/engine/pool-folder.ts'
import { MemoryDisk } from '../../src/fs/memory-disk.ts'
import { MemoryRoot } from '../../src/fs/memory-root.ts'
import { MemoryUser } from '../../src/fs/memory-user.ts'
import { type FolderMessage, type Peer } from '../../src/net/peer-port.ts'
import { InlineHasher } from '../../src/scan/inline-hasher.ts'
import { createScanner } from '../../src/scan/scanner.ts'
import { path } from '../db/index-samples.ts'
import { VirtualClock } from '../net/virtual-clock.ts'

function setup() {
  const keys = parseSecret(generateSecret())
  assert.ok(typeof keys !== 'string')
  const clock = new VirtualClock()
  const disk = new MemoryRoot({ capacityBytes: 1e9 }, { now: () => clock.now() * 1000 })
  const index = openIndexDatabase(':memory:').folder(keys.id)
  const settings = {
    dir: '/pool',
    keys,
    site: null,
    useArchive: true,
    overwriteChanges: true,
    settleMs: 0,
    archiveMaxFileBytes: null,
    maxDeleteFiles: 10,
    maxDeletePercent: 25,
    archiveTtlMs: null,
    rescanIntervalMs: 600_000,
  }
  const folder = new PoolFolder(settings, {
    disk,
    index,
    hasher: new InlineHasher(),
    scanner: createScanner({ root: disk, index, ignored: () => false, clock }),
    openPlace: (place) => (place.in === 'tree' ? disk.open(place.entry.path) : disk.openArchived(place.name)),
    hasWriters: () => null,
    renewIndex: (_, detail) => assert.fail(detail),
    clock,
    log: silentLog,
  })
  const heard: FolderMessage[] = []
  const peer = { host: 'other', replica: '0123456789abcdef' as ReplicaId, send: (m: FolderMessage) => heard.push(m) }
  const user = new MemoryUser({ disk: () => disk.disk })
  return { clock, index, disk, folder, heard, peer: peer as unknown as Peer, user }
}

test('a peer that waits for a content hears of it when a user puts it here, under whatever name', async () => {
  const { clock, index, folder, heard, peer, user } = setup()
  folder.start()
  await clock.pass(100)
  user.write('image.iso', 'content')
  folder.local.noticing.hint(path('image.iso'))
  await clock.pass(2_000)
  const entry = index.entry(path('image.iso'))
  assert.ok(entry?.kind === 'file')
  user.delete('image.iso')
  folder.local.noticing.hint(path('image.iso'))
  await clock.pass(2_000)

  folder.up(peer)
  folder.message(peer, { type: 'want', root: entry.root, wanted: true })
  const haves = () => heard.flatMap((m) => (m.type === 'have' ? [m.have.all] : []))
  assert.deepEqual(haves(), [false])
  user.write('copy.iso', 'content')
  folder.local.noticing.hint(path('copy.iso'))
  await clock.pass(2_000)
  assert.deepEqual(haves(), [false, true])
  await folder.close()
})

test('a file in place of a directory waits while the deletion of what lay in it is held', async () => {
  const { clock, index, folder, user } = setup()
  const does = async (work: () => void) => {
    work()
    folder.local.noticing.hint(path('d'))
    await clock.pass(5_000)
  }
  const kinds = (at: string) => index.recordsOf(path(at)).map((record) => record.kind)
  folder.start()
  await does(() => {
    for (let i = 0; i < 20; i++) user.write(`d/${i}.iso`, `image ${i}`)
  })
  await does(() => {
    user.delete('d')
    user.write('d', 'a file')
  })
  assert.deepEqual([kinds('d'), kinds('d/0.iso')], [['directory'], ['file']])

  void folder.approve()
  await clock.pass(5_000)
  assert.deepEqual([kinds('d'), kinds('d/0.iso')], [['file'], ['tombstone']])
  await does(() => {
    user.delete('d')
    user.makeDirectory('d')
  })
  assert.equal(folder.remote.wanted.count, 0, 'what was deleted is looked for again')
  await folder.close()
})

test('what was seen on a foreign disk, and had not settled, is not waited for when the own disk is back', async () => {
  const { clock, disk, folder, user } = setup()
  folder.settings = { ...folder.settings, settleMs: 1_000 }
  folder.start()
  await clock.pass(100)
  user.write('image.iso', 'ours')
  folder.local.noticing.hint(path('image.iso'))
  await clock.pass(5_000)

  const own = disk.disk
  disk.disk = new MemoryDisk({ now: () => clock.now() * 1000 })
  user.write('image.iso', 'of somebody else')
  folder.local.noticing.hint(path('image.iso'))
  await clock.pass(100)
  assert.equal(folder.local.changes.busy, 1)
  void folder.local.noticing.rescan()
  await clock.pass(2_000)
  assert.notEqual(folder.halted, null)
  disk.disk = own
  await clock.pass(10_000)
  assert.deepEqual([folder.halted, folder.local.changes.busy], [null, 0])
  await folder.close()
})

test('what rotted before somebody changed its rights is not announced as another content', async () => {
  const { clock, index, disk, folder, user } = setup()
  folder.start()
  await clock.pass(100)
  user.write('image.iso', 'content')
  folder.local.noticing.hint(path('image.iso'))
  await clock.pass(5_000)
  const records = index.recordsOf(path('image.iso'))
  assert.equal(records.length, 1)

  user.rot('image.iso', 3)
  const stat = await disk.stat(path('image.iso'))
  assert.ok(stat !== null)
  await disk.setMtime(path('image.iso'), stat.mtimeUs, stat)
  folder.local.noticing.hint(path('image.iso'))
  await clock.pass(30_000)
  assert.deepEqual(index.recordsOf(path('image.iso')), records)
  assert.deepEqual(
    index.rotten().map((file) => file.path),
    ['image.iso'],
  )
  await folder.close()
})

test('what rotted before a user renamed it is announced as what it was, and not with its flipped bits', async () => {
  const { clock, index, folder, user } = setup()
  folder.start()
  await clock.pass(100)
  user.write('image.iso', 'content')
  folder.local.noticing.hint(path('image.iso'))
  await clock.pass(5_000)
  const entry = index.entry(path('image.iso'))
  assert.ok(entry?.kind === 'file')

  user.rot('image.iso', 3)
  user.rename('image.iso', 'a.iso')
  for (const at of ['image.iso', 'a.iso']) folder.local.noticing.hint(path(at))
  await clock.pass(30_000)
  const told = ['image.iso', 'a.iso'].flatMap((at) => index.recordsOf(path(at)))
  assert.deepEqual(
    told.map((record) => (record.kind === 'file' ? record.root : record.kind)),
    ['tombstone', entry.root],
  )
  assert.deepEqual(
    index.rotten().map((file) => file.path),
    ['a.iso'],
  )
  await folder.close()
})
