/** A machine that was copied with its storage_path: both say so, nothing is lost, and one command on the copy mends it. */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { cpSync, readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { type HostTrouble } from '../../src/api/api-types.ts'
import { Cluster, type Host, until } from './cluster.ts'
import { archiveOf, drop, receivedSince, report, settled, traffic, tree } from './pool.ts'

const FILES = 12
const FILE_BYTES = 300_000
const CHATTER_BYTES = 100_000

const troubleAt = async (host: Host, line: string): Promise<HostTrouble | undefined> =>
  (await report(host))?.hosts.find((other) => other.host === line)?.trouble

// A copied identity alone is among the tests of src/net.
for (const what of ['storage_path', 'index', 'storage_path and pool'] as const)
  test(`a copied ${what} is noticed and refused, and mended by new-identity`, async () => {
    await using cluster = await Cluster.start({ hosts: 3 })
    const [original, copy, third] = [cluster.host(0), cluster.host(1), cluster.host(2)]
    const known = cluster.knownHosts()
    for (let i = 0; i < FILES; i++) drop(cluster.host(i % 3), `image-${i}.iso`, FILE_BYTES)
    const expected = await settled(cluster)

    await original.kill('SIGTERM')
    await copy.kill('SIGTERM')
    copyState(original, copy, what)
    original.start()
    copy.start()
    await until('the original says so', async () => (await troubleAt(original, known[1] ?? '')) === 'clone')
    await until('the copy says so', async () => (await troubleAt(copy, known[0] ?? '')) === 'clone')
    for (const host of [original, copy])
      // Not while it dials the other anew.
      await until(`health of ${host.home} says what to do`, async () => {
        const { code, stdout } = await host.cli('health')
        return code === 2 && /copied from the other.*isosyncd new-identity/.test(stdout)
      })
    assert.deepEqual(tree(original), expected)
    assert.deepEqual(tree(third), expected)
    const lines = cluster.hosts.map((host) => host.log().length)

    const answer = await copy.cli('new-identity')
    assert.equal(answer.code, 0, answer.stderr)
    assert.match(answer.stdout, /no longer 12D3KooW/)
    await until('it is up again', () => copy.logText().includes('Asked for a new identity'))
    await cluster.connected()
    assert.deepEqual(await settled(cluster), expected)
    for (const host of cluster.hosts) {
      await until(`${host.home} is healthy`, async () => (await host.cli('health')).code === 0)
      assert.deepEqual(await archiveOf(host), [], 'nothing was replaced or deleted')
    }
    // Of the copy, which has begun to count anew; what others count belongs to identities, and one has gone.
    const { sent, received } = await traffic(copy)
    assert.ok(sent + received < CHATTER_BYTES, `nothing was sent again: ${sent} and ${received} bytes`)
    const came = cluster.hosts.map((host, i) => receivedSince(host, lines[i] ?? 0))
    assert.deepEqual(came, [[], [], []])
    assert.ok(readdirSync(join(copy.home, 'state')).some((name) => name.startsWith('identity.key.copied-')))
  })

function copyState(from: Host, to: Host, what: string): void {
  const state = (host: Host) => join(host.home, 'state')
  for (const name of what === 'index' ? ['index.db'] : ['identity.key', 'index.db', 'clean-stop']) {
    rmSync(join(state(to), name), { force: true })
    cpSync(join(state(from), name), join(state(to), name))
  }
  if (!what.endsWith('pool')) return
  rmSync(to.dir, { recursive: true })
  // As an operator does it; cpSync rounds times to a microsecond up or down, and that would be a change.
  execFileSync('cp', ['-a', from.dir, to.dir])
}
