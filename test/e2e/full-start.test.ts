/** A start with a full storage_path: the daemon says what to do, waits, loses nothing, and goes on by itself. */
import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { Cluster, type Host, until } from './cluster.ts'
import { LoopDisk } from './loop-disk.ts'
import { drop, settled } from './pool.ts'

const MIB = 1 << 20

const before: Readonly<Record<string, (host: Host) => Promise<unknown>>> = {
  'after a clean stop': (host) => host.kill('SIGTERM'),
  'after a crash': (host) => host.kill('SIGKILL'),
}

for (const [name, ends] of Object.entries(before))
  test(`a start with a full storage_path, ${name}`, async (t) => {
    await using cluster = await Cluster.make({ hosts: 2 })
    const [other, host] = [cluster.host(0), cluster.host(1)]
    const state = join(host.home, 'state')
    using disk = LoopDisk.at(state, 24 * MIB)
    if (disk === null) return t.skip('needs the right to mount loop devices')
    try {
      other.start()
      host.start()
      await cluster.connected()
      drop(other, 'before.iso', MIB)
      await settled(cluster)
      const { peerId } = (await host.status()) ?? {}
      await ends(host)
      drop(other, 'meanwhile.iso', MIB)
      disk.fill('filler')
      await startsWhenThereIsRoom(cluster, host, disk)
      assert.equal((await host.status())?.peerId, peerId)
      const kept = readdirSync(state).filter((file) => file.startsWith('index.db.'))
      assert.deepEqual(kept, [], 'the index is the one that it was')
    } finally {
      await host.kill('SIGKILL')
    }
  })

test('the very first start, with a full storage_path', async (t) => {
  await using cluster = await Cluster.make({ hosts: 2 })
  const host = cluster.host(1)
  using disk = LoopDisk.at(join(host.home, 'state'), 24 * MIB)
  if (disk === null) return t.skip('needs the right to mount loop devices')
  try {
    cluster.host(0).start()
    drop(cluster.host(0), 'meanwhile.iso', MIB)
    disk.fill('filler')
    await startsWhenThereIsRoom(cluster, host, disk)
  } finally {
    await host.kill('SIGKILL')
  }
})

async function startsWhenThereIsRoom(cluster: Cluster, host: Host, disk: LoopDisk): Promise<void> {
  const said = host.isRunning ? host.logText().length : 0
  host.start()
  await until('it says what is to be done', () => {
    assert.ok(host.isRunning, `it has ended: ${host.logTail()}`)
    return /(storage_path .*make room|look at the disk of storage_path)/.test(host.logText().slice(said))
  })
  const doctor = await host.cli('doctor')
  assert.notEqual(doctor.code, 0)
  assert.match(doctor.stdout, /MiB of room: the index cannot grow\n.*make room/)
  assert.doesNotMatch(doctor.stdout, /damaged/)
  disk.empty('filler')
  await until('it is up', async () => (await host.status()) !== null)
  await cluster.connected()
  await settled(cluster)
  const contents = cluster.hosts.map(({ dir }) => readFileSync(join(dir, 'meanwhile.iso')))
  assert.ok(contents.every((content) => content.equals(contents[0] ?? Buffer.alloc(0))))
}
