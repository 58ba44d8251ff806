/** What lies in the archive outlives the index: a new one finds it, lists it, restores it, and lets it expire. */
import assert from 'node:assert/strict'
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { isDeepStrictEqual } from 'node:util'
import { Cluster, type Host, until } from './cluster.ts'
import { archivedFrom, archiveOf, drop, traffic } from './pool.ts'

test('a new index finds what lies in the archive', async () => {
  await using cluster = await Cluster.start({ hosts: 2 })
  const [one, two] = [cluster.host(0), cluster.host(1)]
  mkdirSync(one.path('sub'))
  const deleted = drop(one, 'sub/deleted.img', 3_000_000)
  drop(one, 'kept.img', 1000)
  await until('all are on host2', () => existsSync(two.path('kept.img')) && existsSync(two.path('sub/deleted.img')))
  rmSync(one.path('sub/deleted.img'))
  drop(one, 'kept.img', 1001)
  await until('both are in the archive', async () => (await archiveOf(two)).length === 2)
  const before = await listed(two)
  writeFileSync(join(two.dir, '.sync/Archive/of Resilio.img'), 'not ours')

  await loseIndex(two)
  await until('they are found, and records tell why', async () => isDeepStrictEqual(await listed(two), before))

  const { received } = await traffic(two)
  writeFileSync(one.path('again.img'), deleted)
  await until('it is there again', () => existsSync(two.path('again.img')))
  assert.ok((await traffic(two)).received - received < 1_000_000, 'its pieces came from the archive')
  assert.equal((await two.cli('archive', 'restore', 'sub/deleted.img')).code, 0)
  assert.ok(readFileSync(two.path('sub/deleted.img')).equals(deleted))
  await until('it is restored on the other host as well', () => existsSync(one.path('sub/deleted.img')))
  assert.equal((await archivedFrom(two, 'sub/deleted.img')).length, 0)
})

/** In the order of names, and as exact as a name is. */
async function listed(host: Host): Promise<object[]> {
  const files = (await archiveOf(host)).map((file) => ({ ...file, archivedMs: Math.floor(file.archivedMs / 1000) }))
  return files.sort((a, b) => (a.name < b.name ? -1 : 1))
}

async function loseIndex(host: Host): Promise<void> {
  await host.kill('SIGKILL')
  const state = join(host.home, 'state')
  for (const name of readdirSync(state)) if (name.startsWith('index.db')) rmSync(join(state, name))
  host.start()
}
