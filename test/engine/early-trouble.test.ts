/** What is fetched early while disks fail or fill, while others lie, and beside what has been announced. */
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { test } from 'node:test'
import { type RelPath } from '../../src/base/brand.ts'
import { HashedFileChanged } from '../../src/scan/hasher.ts'
import { MAX_PIECE_BYTES, pieceHash, PieceListBuilder, pieceOffsets } from '../../src/sync/piece-list.ts'
import { type Stretch, stretchName } from '../../src/sync/stretch.ts'
import { listOf } from '../scan/open-files.ts'
import { HostClock } from '../sim/sim-time.ts'
import { EARLY_BYTES, EarlyHosts, FILE_BYTES, image, ONE, PATH, THREE, TWO } from './early-hosts.ts'

const ALL_COME_MS = 5_000
const LONG_MS = 3_600_000
const IN_SYNC = { problems: [], transfers: [], state: 'synced' }
const OTHER = 'other.iso'

/** `one` says that it has those pieces of a stretch that it never hashed, and gives them. */
function lie(hosts: EarlyHosts, stretch: Stretch, had: readonly number[], bytesOf: (ordinal: number) => Uint8Array) {
  const { folder } = hosts.one
  const name = stretchName(stretch)
  const [serve, message] = [folder.servePiece.bind(folder), folder.message.bind(folder)]
  const bitmap = Uint8Array.from(had)
  folder.servePiece = async (root, ordinal) =>
    root === name ? { bytes: bytesOf(ordinal), release: () => {} } : await serve(root, ordinal)
  folder.message = (from, said) => {
    if (said.type !== 'want' || said.root !== name) return message(from, said)
    if (said.wanted) from.send({ type: 'have', root: name, have: { all: false, bitmap } })
  }
  const [one] = hosts.two.folder.peers()
  hosts.two.folder.message(one!, { type: 'stretch', stretch })
}

function cutImage() {
  const content = image()
  const bytes = Buffer.from(content)
  const list = listOf(bytes)
  return { content, bytes, list, offsets: pieceOffsets(list) }
}

test('a piece list that lies about lengths puts no byte where it does not belong', async () => {
  const hosts = new EarlyHosts({ earlyBytes: 0 })
  await hosts.pass(1_000)
  const { content, bytes, list, offsets } = cutImage()
  const i = [...Array(list.count - 2).keys()].find((n) => offsets[n + 1]! - offsets[n]! < 400_000)!
  const wrong = new PieceListBuilder()
  wrong.add(pieceHash(list, i), offsets[i + 1]! - offsets[i]! + 2048)
  wrong.add(pieceHash(list, i + 1), offsets[i + 2]! - offsets[i + 1]!)
  const stretch = { path: PATH, fileSize: bytes.length, offset: offsets[i]!, list: wrong.build() }
  lie(hosts, stretch, [0b10], () => bytes.subarray(offsets[i + 1], offsets[i + 2]))
  await hosts.pass(1_000)
  await hosts.drop(content)
  hosts.job.finish()
  await hosts.pass(ALL_COME_MS)
  assert.ok(hosts.two.tree()[PATH] === content)
  await hosts.close()
})

test('a stretch as long as its file takes nothing over from others', async () => {
  const hosts = new EarlyHosts({ earlyBytes: 0 })
  await hosts.pass(1_000)
  const { content, bytes, list, offsets } = cutImage()
  const first = new PieceListBuilder()
  first.add(pieceHash(list, 0), offsets[1]!)
  const whole = { fileSize: bytes.length, offset: 0 }
  lie(hosts, { ...whole, path: OTHER as RelPath, list: first.build() }, [], () => new Uint8Array())
  await hosts.pass(100)
  const all = Array<number>(100).fill(0xff)
  lie(hosts, { ...whole, path: PATH, list }, all, (n) => bytes.subarray(offsets[n], offsets[n + 1]))
  await hosts.pass(ALL_COME_MS)
  await hosts.drop(content)
  hosts.job.finish()
  await hosts.pass(ALL_COME_MS)
  assert.ok(hosts.two.tree()[PATH] === content)
  await hosts.pass(LONG_MS)
  assert.equal(await hosts.staged(), 0)
  await hosts.close()
})

test('what has come early goes when the disk does, also where it cannot go at once, and its file arrives', async () => {
  const hosts = new EarlyHosts()
  const content = image()
  await hosts.drop(content)
  await hosts.pass(ALL_COME_MS)
  hosts.two.fails = () => 'missing'
  hosts.two.folder.remote.pause('its disk is gone')
  await hosts.pass(3_000)
  hosts.two.fails = () => null
  hosts.two.folder.remote.resume()
  await hosts.pass(1_000)
  assert.equal(await hosts.staged(), 0)
  hosts.job.finish()
  await hosts.pass(ALL_COME_MS)
  assert.ok(hosts.two.tree()[PATH] === content)
  assert.deepEqual(hosts.shown(), IN_SYNC)
  await hosts.close()
})

test('a stretch that is given up while another file is slow to close does not come back', async () => {
  const hosts = new EarlyHosts({ hosts: 3, latencyMs: 20, earlyBytes: 0 })
  await hosts.pass(1_000)
  let slow = true
  const clock = new HostClock({ time: hosts.time, wallMs: () => 0 })
  const open = hosts.two.root.openStaged.bind(hosts.two.root)
  hosts.two.root.openStaged = async (root) => {
    const file = await open(root)
    if (!slow) return file
    slow = false
    const close = file.close.bind(file)
    file.close = () => clock.sleep(1_000).then(close)
    return file
  }
  hosts.three.root.user.write(OTHER, image(4_000_000))
  hosts.three.hint(OTHER)
  for (let ms = 0; ms < 2_000 && slow; ms++) await hosts.pass(1)
  for (const host of [ONE, TWO]) hosts.network.cut(THREE, host)
  await hosts.pass(1_000)
  await hosts.drop(image())
  hosts.job.tell(EARLY_BYTES)
  await hosts.untilServed(1_000_000)
  hosts.two.folder.remote.pause('full for a moment')
  await hosts.pass(ALL_COME_MS)
  hosts.two.folder.remote.resume()
  for (const host of [ONE, TWO]) hosts.network.join(THREE, host)
  await hosts.pass(1_000)
  hosts.job.finish()
  await hosts.pass(LONG_MS)
  assert.deepEqual(hosts.shown(), IN_SYNC)
  assert.deepEqual(Object.keys(hosts.two.tree()), [PATH, OTHER])
  await hosts.close()
})

test('a file that is renamed while it is hashed goes on with what came under the name that it has', async () => {
  const hosts = new EarlyHosts({ earlyBytes: 1_600_000 })
  const content = image()
  await hosts.drop(content, 'upload.part')
  await hosts.pass(1_000)
  hosts.one.root.user.delete('upload.part')
  hosts.job.finish(new HashedFileChanged('it has gone'))
  hosts.hasher.earlyBytes = 7_500_000
  hosts.one.hint('upload.part')
  await hosts.drop(content)
  await hosts.pass(ALL_COME_MS)
  hosts.job.finish()
  await hosts.pass(ALL_COME_MS)
  assert.ok(hosts.two.tree()[PATH] === content)
  assert.ok(hosts.servedBytes < FILE_BYTES + 2_000_000, String(hosts.servedBytes))
  await hosts.close()
})

test('what came early is kept as long as its file is being hashed, though no more of it is fetched', async () => {
  const hosts = new EarlyHosts({ earlyBytes: 0 })
  const old = image(6_000_000)
  await hosts.drop(old, 'debian-12.0.iso')
  hosts.job.finish()
  await hosts.pass(ALL_COME_MS)
  hosts.servedBytes = 0
  const content = image(2048 * 1954) + old
  await hosts.drop(content)
  for (let bytes = 1_000_000; bytes <= 10_000_000; bytes += 1_000_000) {
    hosts.job.tell(bytes)
    await hosts.pass(30_000)
  }
  hosts.job.finish()
  await hosts.pass(ALL_COME_MS)
  assert.ok(hosts.two.tree()[PATH] === content)
  assert.ok(hosts.servedBytes < 4_700_000, String(hosts.servedBytes))
  await hosts.close()
})

test('a host that wants it but has other things to do keeps nobody waiting', async () => {
  const hosts = new EarlyHosts({ hosts: 3, latencyMs: 20 })
  const busy = Promise.withResolvers<never>()
  hosts.three.root.openStaged = () => busy.promise
  const content = image()
  await hosts.drop(content)
  await hosts.pass(10_000)
  assert.ok(hosts.servedBytes > EARLY_BYTES - 1_000_000 - MAX_PIECE_BYTES, String(hosts.servedBytes))
  hosts.job.finish()
  await hosts.pass(ALL_COME_MS)
  assert.ok(hosts.two.tree()[PATH] === content)
  assert.equal(hosts.servedBytes, FILE_BYTES)
  busy.reject(new Error('the test is over'))
  await hosts.close()
})

test('what has been announced gets the room that is taken by what came early', async () => {
  const hosts = new EarlyHosts({ hosts: 3, latencyMs: 20 })
  const { root } = hosts.two
  const written = new Map<string, number>()
  const [open, drop] = [root.openStaged.bind(root), root.dropStaged.bind(root)]
  root.openStaged = async (name) => {
    const file = await open(name)
    const write = file.write.bind(file)
    file.write = (bytes, position) => {
      written.set(name, (written.get(name) ?? 0) + bytes.byteLength)
      return write(bytes, position)
    }
    return file
  }
  root.dropStaged = (name) => (written.delete(name), drop(name))
  root.freeBytes = async () => 13_700_000 - written.values().reduce((sum, bytes) => sum + bytes, 0)
  await hosts.drop(image())
  await hosts.pass(ALL_COME_MS)
  assert.ok((await root.freeBytes()) < 9_000_000)
  const content = image(9_000_000)
  hosts.three.root.user.write(OTHER, content)
  hosts.three.hint(OTHER)
  for (let ms = 0; ms < 30_000 && hosts.two.tree()[OTHER] === undefined; ms += 100) {
    await hosts.pass(100)
    assert.deepEqual(hosts.shown().problems, [])
  }
  assert.ok(hosts.two.tree()[OTHER] === content)
  await hosts.close()
})

test('what has been announced goes before a thousand stretches, also with a lower priority', async () => {
  const hosts = new EarlyHosts({ hosts: 3, latencyMs: 20 })
  hosts.two.settings.rankOf = (path) => (path === OTHER ? 1 : 0)
  await hosts.pass(1_000)
  const [one] = hosts.two.folder.peers()
  for (let i = 0; i < 1_000; i++) {
    const pieces = new PieceListBuilder()
    for (let n = 0; n < 3; n++) pieces.add(randomBytes(32), MAX_PIECE_BYTES)
    const list = pieces.build()
    const stretch = { path: PATH, fileSize: 10_000_000_000, offset: i * list.size, list }
    hosts.two.folder.message(one!, { type: 'stretch', stretch })
  }
  hosts.three.root.user.write(OTHER, image(1_000_000))
  hosts.three.hint(OTHER)
  await hosts.pass(30_000)
  assert.deepEqual(Object.keys(hosts.two.tree()), [OTHER])
  assert.deepEqual(hosts.shown(), IN_SYNC)
  await hosts.close()
})
