/** A host fetches what another is still hashing: what crosses meanwhile, what becomes of it, and what never does. */
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { test } from 'node:test'
import { type RelPath } from '../../src/base/brand.ts'
import { HashedFileChanged } from '../../src/scan/hasher.ts'
import { MAX_PIECE_BYTES } from '../../src/sync/piece-list.ts'
import { listOf } from '../scan/open-files.ts'
import { between, EARLY_BYTES, EarlyHosts, FILE_BYTES, image, ONE, PATH, TWO } from './early-hosts.ts'
import { TwoHosts } from './two-hosts.ts'

const ALL_COME_MS = 5_000
const FORGOTTEN_MS = 200_000
const IN_SYNC = { problems: [], transfers: [], state: 'synced' }

test('what has been hashed crosses while the rest is hashed, and once', async () => {
  const hosts = new EarlyHosts()
  const content = image()
  await hosts.drop(content)
  await hosts.pass(ALL_COME_MS)
  assert.deepEqual([hosts.two.tree(), await hosts.staged()], [{}, 1])
  assert.ok(hosts.servedBytes > EARLY_BYTES - 1_000_000 - MAX_PIECE_BYTES, String(hosts.servedBytes))
  hosts.job.finish()
  await hosts.pass(ALL_COME_MS)
  assert.ok(hosts.two.tree()[PATH] === content)
  assert.equal(hosts.servedBytes, FILE_BYTES)
  assert.deepEqual([await hosts.staged(), hosts.shown()], [0, IN_SYNC])
  await hosts.close()
})

test('what is on its way when the rest has been hashed is not asked for again', async () => {
  const hosts = new EarlyHosts({ latencyMs: 100 })
  const content = image()
  await hosts.drop(content)
  await hosts.untilServed(2_000_000)
  hosts.job.finish()
  await hosts.pass(ALL_COME_MS)
  assert.ok(hosts.two.tree()[PATH] === content)
  assert.equal(hosts.servedBytes, FILE_BYTES)
  await hosts.close()
})

test('it is shown as one transfer of the whole file', async () => {
  const hosts = new EarlyHosts({ latencyMs: 100 })
  await hosts.drop(image())
  await hosts.untilServed(4_000_000)
  const [shown, ...others] = hosts.shown().transfers
  assert.ok(shown !== undefined)
  assert.deepEqual([others, shown.path, shown.size, shown.sources], [[], PATH, FILE_BYTES, [ONE]])
  assert.ok(shown.doneBytes > 0 && shown.doneBytes <= hosts.servedBytes, String(shown.doneBytes))
  hosts.job.finish()
  await hosts.pass(ALL_COME_MS)
  await hosts.close()
})

test('what changed while it was hashed is dropped, and nobody is said to lack it', async () => {
  const hosts = new EarlyHosts({ latencyMs: 100 })
  await hosts.drop(image())
  await hosts.untilServed(2_000_000)
  hosts.one.root.user.delete(PATH)
  hosts.job.finish(new HashedFileChanged('it changed'))
  await hosts.pass(FORGOTTEN_MS)
  assert.deepEqual([hosts.two.tree(), await hosts.staged(), hosts.shown()], [{}, 0, IN_SYNC])
  await hosts.close()
})

test('what is hashed anew with another content is fetched early too', async () => {
  const hosts = new EarlyHosts()
  await hosts.drop(image())
  await hosts.pass(ALL_COME_MS)
  const before = hosts.servedBytes
  const content = image()
  hosts.one.root.user.write(PATH, content)
  hosts.job.finish(new HashedFileChanged('it changed'))
  hosts.one.hint(PATH)
  await hosts.pass(ALL_COME_MS)
  assert.ok(hosts.servedBytes - before > 4_000_000, String(hosts.servedBytes - before))
  hosts.job.finish()
  await hosts.pass(ALL_COME_MS)
  assert.ok(hosts.two.tree()[PATH] === content)
  await hosts.pass(FORGOTTEN_MS)
  assert.deepEqual([await hosts.staged(), hosts.shown()], [0, IN_SYNC])
  await hosts.close()
})

test('what came of a file whose host goes away is used when that comes back', async () => {
  const hosts = new EarlyHosts()
  const content = image()
  await hosts.drop(content)
  await hosts.pass(ALL_COME_MS)
  hosts.network.cut(ONE, TWO)
  await hosts.pass(30_000)
  hosts.job.finish()
  hosts.network.join(ONE, TWO)
  await hosts.pass(60_000)
  assert.ok(hosts.two.tree()[PATH] === content)
  assert.equal(hosts.servedBytes, FILE_BYTES)
  await hosts.close()
})

test('who connects while a file is hashed is told of what nobody has got', async () => {
  const hosts = new EarlyHosts()
  hosts.network.cut(ONE, TWO)
  await hosts.drop(image())
  await hosts.pass(1_000)
  hosts.network.join(ONE, TWO)
  await hosts.pass(ALL_COME_MS)
  assert.ok(hosts.servedBytes > 4_000_000, String(hosts.servedBytes))
  await hosts.close()
})

test('a path that is known already is not fetched before its record says so: the brake may hold it', async () => {
  const hosts = new EarlyHosts()
  await hosts.drop(image())
  hosts.job.finish()
  await hosts.pass(ALL_COME_MS)
  hosts.servedBytes = 0
  const second = image()
  await hosts.drop(second)
  const [one] = hosts.two.folder.peers()
  const list = between(listOf(Buffer.from(second)), 0, EARLY_BYTES)
  hosts.two.folder.message(one!, { type: 'stretch', stretch: { path: PATH, fileSize: FILE_BYTES, offset: 0, list } })
  await hosts.pass(ALL_COME_MS)
  assert.equal(hosts.one.folder.stretches.begin(PATH, FILE_BYTES), null)
  assert.deepEqual([hosts.servedBytes, await hosts.staged()], [0, 0])
  hosts.job.finish()
  await hosts.pass(30_000)
  assert.ok(hosts.two.tree()[PATH] === second)
  await hosts.close()
})

test('a copy of an image that is here already is not fetched', async () => {
  const hosts = new EarlyHosts()
  const content = image()
  await hosts.drop(content)
  hosts.job.finish()
  await hosts.pass(ALL_COME_MS)
  hosts.servedBytes = 0
  await hosts.drop(content, 'copy.iso')
  await hosts.pass(ALL_COME_MS)
  assert.equal(await hosts.staged(), 0)
  hosts.job.finish()
  await hosts.pass(ALL_COME_MS)
  assert.deepEqual([Object.keys(hosts.two.tree()), hosts.servedBytes], [['copy.iso', PATH], 0])
  await hosts.close()
})

test('a host that may only read cannot make others fetch anything', async () => {
  const hosts = new TwoHosts({ twoIsReadOnly: true })
  await hosts.pass(1_000)
  const [reader] = hosts.one.folder.peers()
  const stretch = { path: 'bad.iso' as RelPath, fileSize: 10_000_000, offset: 0 }
  const list = between(listOf(randomBytes(1_000_000)), 0, 900_000)
  hosts.one.folder.message(reader!, { type: 'stretch', stretch: { ...stretch, list } })
  await hosts.pass(1_000)
  const { downloader } = hosts.one.folder.remote
  assert.deepEqual([await hosts.one.root.listStaged(), downloader.transfers()], [[], []])
  await hosts.close()
})
