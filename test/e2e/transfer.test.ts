/** Pieces between real daemons: resumed, replaced, taken from this disk, and never sent for a rename. */
import assert from 'node:assert/strict'
import {
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readFileSync,
  readSync,
  renameSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
  writeSync,
} from 'node:fs'
import { randomBytes } from 'node:crypto'
import { after, before, test } from 'node:test'
import { Cluster, type Host, until } from './cluster.ts'
import { archivedFrom, drop, limitUpload, report, settled, traffic } from './pool.ts'

const MIB = 1 << 20
/** Records, haves and signs of life, and the content of nothing. */
const TALK_BYTES = 100_000
/** What may be under way from one peer when one side dies (piece-requests.ts). */
const IN_FLIGHT_BYTES = 8 * MIB

let cluster: Cluster
let source: Host
let receiver: Host
let third: Host

before(async () => {
  cluster = await Cluster.start({ hosts: 3 })
  ;[source, receiver, third] = [cluster.host(0), cluster.host(1), cluster.host(2)]
})
after(() => cluster[Symbol.asyncDispose]())

async function doneBytes(host: Host): Promise<number> {
  return (await report(host))?.transfers[0]?.doneBytes ?? 0
}

/** What `source` sends while `work` goes on and all come to rest. */
async function sentDuring(work: () => void): Promise<number> {
  const before = await traffic(source)
  work()
  await settled(cluster)
  return (await traffic(source)).sent - before.sent
}

test('a renamed file is renamed on the other hosts, with its inode and without its content', async () => {
  drop(source, 'before.iso', 3 * MIB)
  await settled(cluster)
  const inode = statSync(receiver.path('before.iso')).ino
  const sent = await sentDuring(() => renameSync(source.path('before.iso'), source.path('after.iso')))
  assert.equal(statSync(receiver.path('after.iso')).ino, inode)
  assert.ok(sent < TALK_BYTES, `${sent} bytes were sent`)
  assert.deepEqual(await archivedFrom(receiver, 'before.iso'), [])
})

test('a renamed directory takes its files along, without their content', async () => {
  mkdirSync(source.path('old/deep/deeper'), { recursive: true })
  const names = ['one.iso', 'deep/two.iso', 'deep/deeper/three.iso']
  for (const name of names) drop(source, `old/${name}`, MIB)
  await settled(cluster)
  const inodes = names.map((name) => statSync(receiver.path('old', name)).ino)
  const sent = await sentDuring(() => renameSync(source.path('old'), source.path('new')))
  assert.deepEqual(
    names.map((name) => statSync(receiver.path('new', name)).ino),
    inodes,
  )
  assert.ok(sent < TALK_BYTES, `${sent} bytes were sent`)
})

test('many renames at once, names that swap, and chains of them send no content', async () => {
  mkdirSync(source.path('many'))
  for (let i = 0; i < 40; i++) drop(source, `many/${i}.iso`, 100_000)
  for (const name of ['a', 'b', 'c', 'd', 'e']) drop(source, `many/${name}.iso`, 100_000 + name.charCodeAt(0))
  await settled(cluster)
  const move = (from: string, to: string) => renameSync(source.path('many', from), source.path('many', to))
  const sent = await sentDuring(() => {
    for (let i = 0; i < 40; i++) move(`${i}.iso`, `renamed-${i}.iso`)
    move('a.iso', 'swap')
    move('b.iso', 'a.iso')
    move('swap', 'b.iso')
    move('e.iso', 'f.iso')
    move('d.iso', 'e.iso')
    move('c.iso', 'd.iso')
  })
  assert.ok(sent < 2 * TALK_BYTES, `${sent} bytes were sent`)
})

test('pieces that another file here holds, or an archived one, are taken from disk', async () => {
  const first = drop(source, 'release-1.iso', 4 * MIB)
  await settled(cluster)
  const news = randomBytes(256 * 1024)
  const next = Buffer.concat([first.subarray(0, MIB), news, first.subarray(MIB)])
  const sent = await sentDuring(() => writeFileSync(source.path('release-2.iso'), next))
  assert.ok(sent > 0 && sent < 2 * (news.byteLength + 2 * 512 * 1024) + TALK_BYTES, `${sent} bytes were sent`)

  rmSync(source.path('release-1.iso'))
  rmSync(source.path('release-2.iso'))
  await settled(cluster)
  const again = await sentDuring(() => writeFileSync(source.path('release-1-again.iso'), first))
  assert.ok(again < TALK_BYTES, `${again} bytes were sent of what the archive has`)
})

test('a receiver that is killed goes on where it was', async () => {
  await third.kill('SIGTERM')
  const size = 20 * MIB
  await limitUpload(source, 4000)
  const before = (await traffic(source)).sent
  drop(source, 'receiver-killed.iso', size)
  await until('half of it is there', async () => (await doneBytes(receiver)) > size / 2)
  await receiver.kill('SIGKILL')
  assert.ok((await traffic(source)).sent - before < size, 'it had not been sent as a whole')
  receiver.start()
  await until('it goes on', async () => (await doneBytes(receiver)) > 0)
  await limitUpload(source, 0)
  await settled(cluster)
  const sent = (await traffic(source)).sent - before
  assert.ok(sent < size + IN_FLIGHT_BYTES + TALK_BYTES, `${sent} bytes were sent for ${size}`)
})

test('a source that is killed is asked only for what is missing', async () => {
  const size = 20 * MIB
  await limitUpload(source, 4000)
  const before = (await traffic(receiver)).received
  drop(source, 'source-killed.iso', size)
  await until('half of it is there', async () => (await doneBytes(receiver)) > size / 2)
  await source.kill('SIGKILL')
  await limitUpload(source, 0)
  source.start()
  await cluster.connected()
  await settled(cluster)
  const received = (await traffic(receiver)).received - before
  assert.ok(received < size + IN_FLIGHT_BYTES + TALK_BYTES, `${received} bytes were received for ${size}`)
})

test('a peer that goes away in the middle is replaced by the other', async () => {
  const size = 16 * MIB
  drop(source, 'two-sources.iso', size)
  await settled(cluster)
  await limitUpload(source, 1500)
  await limitUpload(receiver, 1500)
  third.start()
  await until('both deliver', async () => {
    const transfer = (await report(third))?.transfers.find(({ path }) => path === 'two-sources.iso')
    const hosts = (await report(third))?.hosts.filter((peer) => peer.receivedBytes > MIB / 2) ?? []
    return transfer !== undefined && transfer.sources.length === 2 && hosts.length === 2
  })
  await source.kill('SIGKILL')
  assert.throws(() => statSync(third.path('two-sources.iso')), /ENOENT/)
  await limitUpload(receiver, 0)
  await settled(cluster)
  await limitUpload(source, 0)
  source.start()
  await cluster.connected()
  await settled(cluster)
})

test('a file that is touched while it is sent arrives, with its last time', async () => {
  await limitUpload(source, 3000)
  const content = drop(source, 'touched.iso', 10 * MIB)
  await until('some of it is there', async () => (await doneBytes(receiver)) > 2 * MIB)
  utimesSync(source.path('touched.iso'), 1_700_000_000, 1_700_000_000)
  await limitUpload(source, 0)
  await settled(cluster)
  assert.ok(readFileSync(receiver.path('touched.iso')).equals(content))
  assert.equal(statSync(receiver.path('touched.iso')).mtimeMs, 1_700_000_000_000)
})

test('a file that changes while it is sent arrives as it is in the end', async () => {
  await limitUpload(source, 3000)
  drop(source, 'changing.iso', 10 * MIB)
  await until('some of it is there', async () => (await doneBytes(receiver)) > 2 * MIB)
  const last = drop(source, 'changing.iso', 9 * MIB)
  await limitUpload(source, 0)
  await settled(cluster)
  assert.ok(readFileSync(receiver.path('changing.iso')).equals(last))
})

test('an image of 100 GB that is nearly all hole is one on every host, and only what is in it is sent', async () => {
  const bytes = 100e9
  const part = source.path('.sparse.part')
  const ends = [randomBytes(MIB), randomBytes(MIB)]
  const fd = openSync(part, 'w')
  writeSync(fd, ends[0]!, 0, MIB, 0)
  writeSync(fd, ends[1]!, 0, MIB, bytes - MIB)
  closeSync(fd)
  const before = await traffic(source)
  renameSync(part, source.path('sparse.iso'))
  await cluster.everywhere('it is there', (host) => existsSync(host.path('sparse.iso')))
  const sent = (await traffic(source)).sent - before.sent
  for (const host of [receiver, third]) {
    const { size, blocks } = statSync(host.path('sparse.iso'))
    assert.deepEqual([size, blocks * 512 < 8 * MIB], [bytes, true])
    assert.deepEqual([readAt(host, 'sparse.iso', 0), readAt(host, 'sparse.iso', bytes - MIB)], ends)
  }
  // Its piece list has a hash for each half MiB of nothing.
  assert.ok(sent < 24 * MIB, `${sent} bytes were sent`)
})

function readAt(host: Host, name: string, position: number): Buffer {
  const into = Buffer.alloc(MIB)
  const fd = openSync(host.path(name), 'r')
  readSync(fd, into, 0, MIB, position)
  closeSync(fd)
  return into
}
