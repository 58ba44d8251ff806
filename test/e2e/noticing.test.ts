/** What is announced, and when: whole files only, once, and nothing that a program is still working on. */
import assert from 'node:assert/strict'
import {
  appendFileSync,
  closeSync,
  existsSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from 'node:fs'
import { randomBytes } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { after, before, test } from 'node:test'
import { writeIsoImage } from '../iso-image.ts'
import { Cluster, type Host, until } from './cluster.ts'
import { announcements, drop, report, settled, shown, solved } from './pool.ts'

const SETTLE_SECONDS = 2

let cluster: Cluster
let uploader: Host
let other: Host

before(async () => {
  cluster = await Cluster.start({
    hosts: 2,
    configure: (config) => Object.assign(config.shared_folders[0] ?? {}, { settle_seconds: SETTLE_SECONDS }),
  })
  ;[uploader, other] = [cluster.host(0), cluster.host(1)]
})
after(() => cluster[Symbol.asyncDispose]())

test('an upload that comes in parts for longer than settle_seconds is announced once, when it is whole', async () => {
  const parts = Array.from({ length: 12 }, () => randomBytes(10_000))
  for (const part of parts) {
    appendFileSync(uploader.path('slow.bin'), part)
    assert.equal(existsSync(other.path('slow.bin')), false)
    await sleep((SETTLE_SECONDS * 1000) / 5)
  }
  await settled(cluster)
  assert.ok(readFileSync(other.path('slow.bin')).equals(Buffer.concat(parts)))
  assert.deepEqual(
    announcements(uploader, 'slow.bin').map((line) => line['size']),
    [120_000],
  )
})

test('an upload that pauses with the file open is waited for', async () => {
  const fd = openSync(uploader.path('open.bin'), 'w')
  writeSync(fd, randomBytes(1000))
  assert.match(await shown(uploader, 'open.bin', 'unfinished'), /open for writing/)
  writeSync(fd, randomBytes(1000))
  closeSync(fd)
  await solved(uploader, 'open.bin', 'unfinished')
  await settled(cluster)
  assert.deepEqual(
    announcements(uploader, 'open.bin').map((line) => line['size']),
    [2000],
  )
})

test('an image that is cut short is a problem until it has its whole length', async () => {
  writeIsoImage(uploader.path('.cut.iso.part'), { contentBytes: 2_000_000 })
  const whole = readFileSync(uploader.path('.cut.iso.part'))
  rmSync(uploader.path('.cut.iso.part'))
  writeFileSync(uploader.path('cut.iso'), whole.subarray(0, 1_000_000))
  assert.match(await shown(uploader, 'cut.iso', 'unfinished'), /cut\.iso/)
  assert.equal(existsSync(other.path('cut.iso')), false)
  appendFileSync(uploader.path('cut.iso'), whole.subarray(1_000_000))
  await solved(uploader, 'cut.iso', 'unfinished')
  await settled(cluster)
  assert.ok(readFileSync(other.path('cut.iso')).equals(whole))
  assert.equal(announcements(uploader, 'cut.iso').length, 1)
})

test('a problem goes when the file that had it is deleted', async () => {
  writeIsoImage(uploader.path('given-up.iso'), { contentBytes: 2_000_000 })
  truncateSync(uploader.path('given-up.iso'), 900_000)
  await shown(uploader, 'given-up.iso', 'unfinished')
  rmSync(uploader.path('given-up.iso'))
  await solved(uploader, 'given-up.iso', 'unfinished')
})

test('what programs leave while they work is ignored, and the file is taken when it gets its name', async () => {
  const names = [
    'big.iso.!sync',
    '.big.iso.Xa9Zq2',
    'big.iso.part',
    'big.iso.crdownload',
    '.big.iso.swp',
    'big.iso~',
    '#big.iso#',
  ]
  for (const name of names) drop(uploader, name, 1000)
  drop(uploader, 'last.iso', 1000)
  await until('the last has arrived', () => existsSync(other.path('last.iso')))
  for (const name of names) assert.equal(existsSync(other.path(name)), false, name)
  renameSync(uploader.path('big.iso.part'), uploader.path('big.iso'))
  await until('it is taken', () => existsSync(other.path('big.iso')))
  for (const name of names) rmSync(uploader.path(name), { force: true })
  await settled(cluster)
})

test('IgnoreList is the operator’s to change, and SIGHUP finds what came while nobody looked', async () => {
  const list = uploader.path('.sync/IgnoreList')
  const before = readFileSync(list, 'utf8')
  writeFileSync(list, `${before}\nprivate*\n/drafts\n`)
  await sighup(uploader)
  drop(uploader, 'private.iso', 1000)
  drop(uploader, 'public.iso', 1000)
  await until('the public one has arrived', () => existsSync(other.path('public.iso')))
  await until('both know the same files', async () => (await report(uploader))?.files === (await report(other))?.files)
  assert.equal(existsSync(other.path('private.iso')), false)

  writeFileSync(list, before)
  await sighup(uploader)
  await until('the other one is announced now', () => existsSync(other.path('private.iso')))
  await settled(cluster)
  assert.equal(statSync(other.path('private.iso')).size, 1000)
})

async function sighup(host: Host): Promise<void> {
  const count = () => host.log().filter((line) => String(line['msg']).startsWith('SIGHUP')).length
  const before = count()
  host.signal('SIGHUP')
  await until('it has reloaded', () => count() > before)
}
