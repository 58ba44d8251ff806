/** What bad input gets: it is synced exactly, or it is a problem that says what and why; the rest goes on. */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import {
  closeSync,
  existsSync,
  openSync,
  readSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { createServer } from 'node:net'
import { once } from 'node:events'
import { after, before, test } from 'node:test'
import { Cluster, type Host, until } from './cluster.ts'
import { drop, problemOf, report, settled, shown, solved, tree } from './pool.ts'

const GIB = 1024 ** 3

let cluster: Cluster
let source: Host
let receiver: Host

before(async () => {
  cluster = await Cluster.start({
    hosts: 2,
    configure: (config) => Object.assign(config.shared_folders[0] ?? {}, { max_delete_files: 100_000 }),
  })
  ;[source, receiver] = [cluster.host(0), cluster.host(1)]
  // A pool that becomes empty is what the brake on deletions is for.
  drop(source, 'always-there.iso', 100)
  await settled(cluster)
})
after(() => cluster[Symbol.asyncDispose]())

/** The rest goes on: a file that is dropped now arrives. */
async function goesOn(): Promise<void> {
  drop(source, 'goes-on.iso', 100)
  await until('the rest goes on', () => existsSync(receiver.path('goes-on.iso')))
  rmSync(source.path('goes-on.iso'))
  await until('and on', () => !existsSync(receiver.path('goes-on.iso')))
}

test('a pipe, a socket and a device are problems that say so, until they are moved away', async () => {
  execFileSync('mkfifo', [source.path('pipe')])
  const socket = createServer().listen(source.path('socket'))
  await once(socket, 'listening')
  const names = ['pipe', 'socket']
  try {
    execFileSync('mknod', [source.path('device'), 'c', '1', '3'], { stdio: 'ignore' })
    names.push('device')
  } catch {
    // mknod of devices needs a right that containers may lack
  }
  for (const name of names) assert.match(await shown(source, name, 'unsupported'), /socket, a pipe or a device/)
  await goesOn()
  socket.close()
  for (const name of names) rmSync(source.path(name), { force: true })
  for (const name of names) await solved(source, name, 'unsupported')
  for (const name of names) assert.equal(existsSync(receiver.path(name)), false)
})

test('a name that is not UTF-8 is a problem, shown escaped', async () => {
  const bad = Buffer.concat([Buffer.from(`${source.dir}/bad-`), Buffer.from([0xff, 0xfe]), Buffer.from('.iso')])
  writeFileSync(bad, 'x')
  await source.cli('rescan')
  await until(
    'it is shown',
    async () => (await report(source))?.problems.some(({ kind }) => kind === 'bad-name') === true,
  )
  const [problem] = (await report(source))?.problems ?? []
  assert.match(problem?.path ?? '', /^bad-.*\.iso$/)
  assert.match(problem?.detail ?? '', /not UTF-8/)
  await goesOn()
  rmSync(bad)
  await source.cli('rescan')
  await until('it has gone', async () => (await report(source))?.problems.length === 0)
})

test('names that differ only in case are a problem for the one that comes second', async () => {
  drop(source, 'Debian.iso', 100)
  await settled(cluster)
  drop(source, 'debian.ISO', 100)
  assert.match(await shown(source, 'debian.ISO', 'name-clash'), /rename one of them/)
  assert.equal(existsSync(receiver.path('debian.ISO')), false)
  rmSync(source.path('debian.ISO'))
  await solved(source, 'debian.ISO', 'name-clash')
})

test('names of 255 bytes, odd characters and deep paths are synced as they are', async () => {
  const names = [
    'ä'.repeat(127) + 'x',
    'n'.repeat(255),
    ' leading and trailing ',
    'tab\tand\nnewline',
    'quote\'"$(x)`',
    '-rf',
    '💿.iso',
    'a\u0301 decomposed',
  ]
  for (const name of names) drop(source, name, 10)
  const deep = Array.from({ length: 12 }, (_, i) => `${i}`.padEnd(250, 'd')).join('/')
  mkdirSync(source.path(deep), { recursive: true })
  drop(source, `${deep}/deep.iso`, 10)
  const there = await settled(cluster)
  for (const name of names)
    assert.ok(
      there.some((line) => line.startsWith(`${name} 10 `)),
      name,
    )
  rmSync(source.path('0'.padEnd(250, 'd')), { recursive: true })
  await settled(cluster)
})

test('empty files and files of zeros are synced; zeros take no room', async () => {
  drop(source, 'empty', 0)
  writeFileSync(source.path('zeros.img'), '')
  truncateSync(source.path('zeros.img'), 200_000_000)
  await settled(cluster)
  assert.equal(statSync(receiver.path('empty')).size, 0)
  const { size, blocks } = statSync(receiver.path('zeros.img'))
  assert.equal(size, 200_000_000)
  assert.ok(blocks * 512 < 1_000_000, `${blocks * 512} bytes on disk`)
  rmSync(source.path('zeros.img'))
  await settled(cluster)
})

test('a file of more than 4 GiB is synced, to the byte', async () => {
  const size = 4 * GIB + 4097
  writeFileSync(source.path('huge.img'), 'begins here')
  truncateSync(source.path('huge.img'), size - 5)
  writeFileSync(source.path('huge.img'), 'ends!', { flag: 'a' })
  await until(
    'it is there',
    () => statSync(receiver.path('huge.img'), { throwIfNoEntry: false })?.size === size,
    180_000,
  )
  assert.equal((await source.where('huge.img')).code, 0)
  assert.equal(bytesAt(receiver.path('huge.img'), 0, 11), 'begins here')
  assert.equal(bytesAt(receiver.path('huge.img'), size - 6, 6), '\0ends!')
  rmSync(source.path('huge.img'))
  await until('it has gone', () => !existsSync(receiver.path('huge.img')))
})

test('1,000 files at once arrive', async () => {
  mkdirSync(source.path('thousand'))
  for (let i = 0; i < 1000; i++) drop(source, `thousand/${i}.iso`, 1000 + i)
  await until(
    'all are there',
    () => existsSync(receiver.path('thousand')) && readdirSync(receiver.path('thousand')).length === 1000,
  )
  await settled(cluster)
})

test('a folder full of directories arrives, and goes', async () => {
  for (let i = 0; i < 400; i++) mkdirSync(source.path(`full/${i}/in/${i}`), { recursive: true })
  const there = await settled(cluster)
  assert.equal(there.filter((line) => line.startsWith('full/')).length, 1201)
  rmSync(source.path('full'), { recursive: true })
  assert.ok(!(await settled(cluster)).includes('full/'))
})

test('a file that vanishes while it is hashed leaves nothing behind', async () => {
  for (let i = 0; i < 5; i++) {
    drop(source, 'vanishing.iso', 30_000_000)
    await until(
      'it is being hashed',
      async () => ((await report(source))?.hashing.length ?? 0) > 0 || announced(source, 'vanishing.iso'),
    )
    rmSync(source.path('vanishing.iso'))
  }
  await goesOn()
  assert.ok(!(await settled(cluster)).some((line) => line.startsWith('vanishing')))
  assert.equal(await problemOf(source, 'vanishing.iso', 'io-error'), null)
})

test('a file that changes while it is hashed is announced as it is in the end', async () => {
  let last: Buffer = Buffer.alloc(0)
  for (let i = 0; i < 8; i++) last = drop(source, 'restless.iso', 20_000_000 + i)
  await settled(cluster)
  assert.ok(readFileSync(receiver.path('restless.iso')).equals(last))
})

test('a directory and a file swap their places back and forth', async () => {
  for (let i = 0; i < 3; i++) {
    drop(source, 'swap', 1000)
    if (i === 1) await settled(cluster)
    rmSync(source.path('swap'))
    mkdirSync(source.path('swap'))
    drop(source, 'swap/inner.iso', 1000)
    if (i !== 1) await settled(cluster)
    rmSync(source.path('swap'), { recursive: true })
  }
  drop(source, 'swap', 999)
  assert.ok((await settled(cluster)).some((line) => line.startsWith('swap 999 ')))
})

test('no problem is left', async () => {
  await settled(cluster)
  for (const host of cluster.hosts) assert.deepEqual((await report(host))?.problems, [], host.home)
  assert.deepEqual(tree(source), tree(receiver))
})

function announced(host: Host, path: string): boolean {
  return host.log().some((line) => line['path'] === path && String(line['msg']).startsWith('announced'))
}

function bytesAt(path: string, offset: number, length: number): string {
  const fd = openSync(path, 'r')
  const bytes = Buffer.alloc(length)
  readSync(fd, bytes, 0, length, offset)
  closeSync(fd)
  return bytes.toString()
}
