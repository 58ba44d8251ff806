/** A secret is replaced while the pool works: three hosts get the new one, one after the other; the fourth is left behind. */
import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { test } from 'node:test'
import { generateSecret, readOnlySecret } from '../../src/base/secret.ts'
import { Cluster, type Host, until } from './cluster.ts'
import { archiveOf, drop, reconfigure, report, settled, traffic } from './pool.ts'

/** From the first new config to the end of the old secret: three restarts and some files. */
const OVERLAP_MS = 45_000
const BIG_BYTES = 8 << 20
/** Records, haves, signs of life: far less than a file. */
const CHATTER_BYTES = 400_000

async function proven(host: Host): Promise<number> {
  return (await report(host))?.hosts.filter(({ state }) => state === 'proven').length ?? 0
}

async function restart(host: Host, folder: object): Promise<void> {
  assert.equal(await host.kill('SIGTERM'), 0)
  reconfigure(host, (config) => {
    const [own = {}] = config.shared_folders
    delete own['previous_secret']
    delete own['previous_secret_until']
    Object.assign(own, folder)
  })
  host.start()
}

async function arrives(name: string, bytes: number, from: Host, to: readonly Host[]): Promise<void> {
  const content = drop(from, name, bytes)
  for (const host of to) {
    await until(`${name} has arrived in ${host.home}`, () => existsSync(host.path(name)))
    assert.ok(readFileSync(host.path(name)).equals(content))
  }
}

test('a secret is replaced without a break, without content sent again, and who is left behind is out', async () => {
  await using cluster = await Cluster.start({
    hosts: 4,
    configure: (config, i, { secret }) => {
      if (i === 2) config.shared_folders.forEach((folder) => (folder['secret'] = readOnlySecret(secret)))
    },
  })
  const [first, second, reader, left] = cluster.hosts as [Host, Host, Host, Host]
  await arrives('big.bin', BIG_BYTES, first, [second, reader, left])
  await arrives('to-be-replaced.bin', 1_000, second, [first, reader, left])
  await arrives('to-be-replaced.bin.new', 2_000, left, [first, second, reader])
  await settled(cluster)

  const secret = generateSecret()
  const end = Date.now() + OVERLAP_MS
  const ends = { previous_secret_until: new Date(end).toISOString() }
  const written = { secret, previous_secret: cluster.secret, ...ends }
  const read = { secret: readOnlySecret(secret), previous_secret: readOnlySecret(cluster.secret), ...ends }
  for (const [host, folder] of [
    [first, written],
    [reader, read],
    [second, written],
  ] as const) {
    await restart(host, folder)
    await until('all are peers, whichever secret they have', async () => (await proven(host)) === 3)
    const { sent, received } = await traffic(host)
    assert.ok(sent + received < CHATTER_BYTES, `${sent} + ${received} bytes`)
    if (host === first) await arrives('new-to-old.bin', 50_000, first, [second, reader, left])
    if (host === first) await arrives('old-to-new.bin', 50_000, left, [first, second, reader])
  }
  const check = await first.cli('--check-config')
  assert.match(
    check.stdout + check.stderr,
    /previous_secret.*are peers until .*give all hosts that stay the new secret/,
  )
  assert.ok(Date.now() < end, 'the overlap was long enough for this machine')
  await settled(cluster)

  await until('who was left behind is out', async () => (await proven(left)) === 0)
  assert.ok(Date.now() >= end)
  assert.match(first.logText(), /the time of its secret is over: give that host the new secret/)
  await until('the others are peers', async () => (await proven(first)) === 2 && (await proven(second)) === 2)
  await arrives('afterwards.bin', 50_000, second, [first, reader])

  await restart(first, { secret })
  await restart(second, { secret })
  await restart(reader, { secret: readOnlySecret(secret) })
  for (const host of [first, second, reader])
    await until('all that stay are peers', async () => (await proven(host)) === 2)
  await arrives('without-the-old-one.bin', 50_000, first, [second, reader])
  for (const host of [first, second, reader]) {
    assert.deepEqual((await report(host))?.problems, [])
    assert.deepEqual(await archiveOf(host), [])
    assert.doesNotMatch(host.logText(), /shut out|conflict/)
  }
  assert.equal(existsSync(left.path('afterwards.bin')), false)
  assert.equal(existsSync(left.path('without-the-old-one.bin')), false)
  assert.equal(await proven(left), 0)
})
