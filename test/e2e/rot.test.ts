/** Bits that flip on a disk: found by scrubbing or serving, healed from the other hosts, and never spread. */
import assert from 'node:assert/strict'
import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { test, type TestContext } from 'node:test'
import { type ScrubReport } from '../../src/api/api-types.ts'
import { Cluster, type Host, until } from './cluster.ts'
import { announcements, archivedFrom, drop, report, settled, shown, solved, traffic, tree } from './pool.ts'
import { RottingDisk, traceOf } from './rot.ts'

const MB = 1_000_000
const POOL_BYTES = 200 * MB

/** Hosts of which the first has a disk that rots. Null (and the test skipped) where that cannot be made. */
async function rotting(
  t: TestContext,
  hosts: number,
): Promise<{ cluster: Cluster; host: Host; disk: RottingDisk } | null> {
  const cluster = await Cluster.make({ hosts })
  const host = cluster.host(0)
  const disk = RottingDisk.under(host, POOL_BYTES)
  t.after(async () => {
    await host.kill('SIGKILL')
    disk?.[Symbol.dispose]()
    await cluster[Symbol.asyncDispose]()
  })
  if (disk === null) {
    t.skip('needs the right to mount a loop device')
    return null
  }
  for (const each of cluster.hosts) each.start()
  await cluster.connected()
  return { cluster, host, disk }
}

async function scrubNow(host: Host, ...words: string[]) {
  const { code, stdout, stderr } = await host.cli('scrub', '--now', '--json', ...words)
  assert.equal(stderr, '')
  const [answer] = JSON.parse(stdout) as ScrubReport[]
  assert(answer?.now)
  return { code, now: answer.now }
}

test('scrub --now finds every flipped bit and heals it: only bad pieces are fetched, the rotten copy is kept, nothing spreads', async (t) => {
  const made = await rotting(t, 3)
  if (made === null) return
  const { cluster, host, disk } = made
  const names = Array.from({ length: 6 }, (_, i) => `image-${i}.iso`)
  for (const name of names) drop(host, name, 3 * MB)
  const right = await settled(cluster)
  const rotten = names.slice(0, 4)
  const before = rotten.map((name) => traceOf(host, name))
  const good = new Map(rotten.map((name) => [name, readFileSync(host.path(name))]))
  for (const name of rotten) disk.flip(name)
  assert.deepEqual(
    rotten.map((name) => traceOf(host, name)),
    before,
  )
  assert.deepEqual(tree(host), right, 'the page cache knows nothing of it')
  const receivedBefore = (await traffic(host)).received

  const { code, now } = await scrubNow(host)
  assert.equal(code, 0)
  assert.deepEqual([now.files, now.doneFiles, now.running], [6, 6, false])
  assert.deepEqual(
    now.rot.map(({ path, state }) => [path, state]).sort(),
    rotten.map((name) => [name, 'healed']),
  )

  assert.deepEqual(await settled(cluster), right)
  assert.ok((await traffic(host)).received - receivedBefore < 4 * 600_000, 'at most one piece of each came')
  for (const name of rotten) {
    const archived = await archivedFrom(host, name)
    assert.deepEqual(
      archived.map((file) => file.reason),
      ['rotten'],
    )
    const copy = readFileSync(host.path('.sync/Archive', archived[0]?.name ?? ''))
    assert.equal(copy.byteLength, 3 * MB)
    assert.notDeepEqual(copy, good.get(name))
    assert.match(host.logText(), new RegExp(`${name} has rotted: 1 of `))
    assert.match(host.logText(), new RegExp(`healed ${name}: the rotten copy is in the archive as`))
  }
  for (const name of names)
    for (const each of cluster.hosts) assert.equal(announcements(each, name).length, each === host ? 1 : 0)
  for (const each of cluster.hosts.slice(1)) assert.deepEqual((await report(each))?.problems, [])
  assert.deepEqual((await report(host))?.problems, [])
  const again = await scrubNow(host)
  assert.deepEqual([again.code, again.now.rot], [0, []])
})

test('what no connected host has stays on show over a restart, is not announced, and heals when one comes or the operator approves', async (t) => {
  const made = await rotting(t, 2)
  if (made === null) return
  const { cluster, host, disk } = made
  const other = cluster.host(1)
  drop(host, 'only.iso', 2 * MB)
  const right = await settled(cluster)
  await other.kill('SIGTERM')
  const at = disk.flip('only.iso')

  const { code, now } = await scrubNow(host, 'only.iso')
  assert.deepEqual([code, now.rot], [1, [{ path: 'only.iso', state: 'waiting' }]])
  const words =
    /only\.iso has rotted: 1 of \d+ pieces differ.* No connected host has what is missing.*isosyncd approve only\.iso/
  assert.match(await shown(host, 'only.iso', 'rotten'), words)
  assert.notEqual((await host.where('only.iso')).hosts[0]?.state, 'whole')
  await host.kill('SIGTERM')
  host.start()
  assert.match(await shown(host, 'only.iso', 'rotten'), words)
  assert.equal((await host.cli('archive', 'list')).stdout.includes('only.iso'), false)

  other.start()
  await solved(host, 'only.iso', 'rotten')
  assert.deepEqual(await settled(cluster), right)
  assert.equal(announcements(host, 'only.iso').length, 1)

  // The operator may also take it as it is, everywhere. (Elsewhere in the file, the copy in the archive would heal it.)
  await other.kill('SIGTERM')
  disk.flip('only.iso', at)
  disk.forget('only.iso')
  assert.equal((await host.cli('scrub', 'only.iso', '--now')).code, 1)
  assert.equal((await host.cli('approve', 'only.iso')).code, 0)
  other.start()
  await cluster.connected()
  assert.notDeepEqual(await settled(cluster), right)
  assert.deepEqual((await report(host))?.problems, [])
})

test('a bad piece that a peer asks for is not given, and leads to the same healing', async (t) => {
  const made = await rotting(t, 3)
  if (made === null) return
  const { cluster, host, disk } = made
  const [, second, third] = cluster.hosts as [Host, Host, Host]
  await third.kill('SIGTERM')
  drop(host, 'asked.iso', 4 * MB)
  const asked = () => tree(second)
  await until('the second host has it', () => asked().length === 1)
  const right = tree(host)
  // In so many pieces that this host is asked for some of them.
  for (let position = 0; position < 4 * MB; position += 200_000) disk.flip('asked.iso', position)
  disk.forget('asked.iso')
  third.start()
  await cluster.connected()
  assert.deepEqual(await settled(cluster), right)
  await until('it was noticed and healed', () => /healed asked\.iso/.test(host.logText()))
  assert.deepEqual(await settled(cluster), right)
  for (const each of [second, third]) assert.deepEqual((await report(each))?.problems, [])
})

test('an edit is no rot: it is announced, whether a scrub comes upon it or the watcher', async (t) => {
  await using cluster = await Cluster.start({ hosts: 2 })
  const host = cluster.host(0)
  drop(host, 'edited.img', 1 * MB)
  await settled(cluster)
  drop(host, 'edited.img', 1 * MB)
  const { code, now } = await scrubNow(host, 'edited.img')
  assert.deepEqual([code, now.rot], [0, []])
  await settled(cluster)
  assert.equal(announcements(host, 'edited.img').length, 2)
  rmSync(host.path('edited.img'))
  await settled(cluster)
  const gone = await host.cli('scrub', 'edited.img')
  assert.equal(gone.code, 1)
  assert.match(gone.stderr, /there is no file edited\.img on this host/)
  t.diagnostic((await host.cli('scrub')).stdout)
})

test('what has rotted in the archive is not restored, so that it does not come to all hosts that way', async () => {
  await using cluster = await Cluster.start({ hosts: 2 })
  const [host, other] = [cluster.host(0), cluster.host(1)]
  drop(host, 'archived.img', 1 * MB)
  await settled(cluster)
  rmSync(other.path('archived.img'))
  await settled(cluster)
  const [file] = await archivedFrom(host, 'archived.img')
  const at = host.path('.sync/Archive', file?.name ?? '')
  const bytes = readFileSync(at)
  bytes[500_000] = (bytes[500_000] ?? 0) ^ 1
  writeFileSync(at, bytes)
  const { code, stderr } = await host.cli('archive', 'restore', 'archived.img')
  assert.equal(code, 1)
  assert.match(stderr, /archived\.img\.\S+ has rotted in the archive/)
  assert.deepEqual(await settled(cluster), [])
  assert.equal((await archivedFrom(host, 'archived.img')).length, 1)
})
