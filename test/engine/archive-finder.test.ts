import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type RootHash } from '../../src/base/brand.ts'
import { silentLog } from '../../src/base/log.ts'
import { openIndexDatabase } from '../../src/db/open.ts'
import { ArchiveFinder } from '../../src/engine/archive-finder.ts'
import { Committer } from '../../src/engine/committer.ts'
import { MemoryRoot } from '../../src/fs/memory-root.ts'
import { InlineHasher } from '../../src/scan/inline-hasher.ts'
import { rootHash } from '../../src/sync/piece-list.ts'
import { smallList } from '../../src/sync/small-content.ts'
import { folderNamed } from '../db/index-samples.ts'
import { VirtualClock } from '../net/virtual-clock.ts'

const NAME = 'iso/debian-12.iso.20260101T120000Z'

test('what a new index finds in the archive is told to those who wait for it', async () => {
  const clock = new VirtualClock()
  const disk = new MemoryRoot({}, { now: () => clock.now() * 1000 })
  disk.user.write(`.sync/Archive/${NAME}`, 'the only copy')
  const index = openIndexDatabase(':memory:').folder(folderNamed('one'))
  const told: { root: RootHash; places: number }[] = []
  const finder = new ArchiveFinder({
    disk,
    index,
    hasher: new InlineHasher(),
    committer: new Committer({ index, clock, failed: () => {} }),
    rootIsSound: () => Promise.resolve(true),
    found: (root) => told.push({ root, places: index.placesOf(root).length }),
    log: silentLog,
  })
  finder.start()
  await clock.pass(1_000)
  assert.deepEqual(told, [{ root: rootHash(smallList(Buffer.from('the only copy'))), places: 1 }])
  assert.deepEqual(
    index.archive().map(({ name, path }) => [name, path]),
    [[NAME, 'iso/debian-12.iso']],
  )
  await finder.close()
})
