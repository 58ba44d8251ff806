/** On XFS a new release shares blocks with the old one: it takes room, and is written, only for what is new. */
import assert from 'node:assert/strict'
import { createHash, randomBytes } from 'node:crypto'
import { readFileSync, renameSync, statfsSync, writeFileSync } from 'node:fs'
import { test } from 'node:test'
import { Cluster, type Host } from './cluster.ts'
import { LoopDisk } from './loop-disk.ts'
import { settled } from './pool.ts'

const MB = 1_000_000

function drop(host: Host, name: string, bytes: Uint8Array): void {
  writeFileSync(host.path(`.${name}.part`), bytes)
  renameSync(host.path(`.${name}.part`), host.path(name))
}

function usedBytes(dir: string): number {
  const { blocks, bfree, bsize } = statfsSync(dir)
  return (blocks - bfree) * bsize
}

const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex')

test('a point release on XFS takes room only for what is new, and is right to the last byte', async (t) => {
  await using cluster = await Cluster.make({ hosts: 2 })
  const [source, receiver] = [cluster.host(0), cluster.host(1)]
  using disk = LoopDisk.at(receiver.dir, 400 * MB, 'xfs')
  if (disk === null) return t.skip('needs the right to mount a loop device, and xfsprogs')
  const old = randomBytes(40 * MB)
  // What follows the new part is shifted by whole blocks, what follows the second by half a block.
  const release = Buffer.concat([old.subarray(0, 10 * MB), randomBytes(8192), old.subarray(10 * MB, 30 * MB)])
  const shifted = Buffer.concat([release, randomBytes(2048), old.subarray(30 * MB)])
  for (const host of [source, receiver]) host.start()
  await cluster.connected()
  drop(source, 'old.iso', old)
  await settled(cluster)
  const before = usedBytes(receiver.dir)
  drop(source, 'new.iso', shifted)
  await settled(cluster)
  const grown = usedBytes(receiver.dir) - before
  t.diagnostic(`an image of 40 MB, of which 30 MB lie in place, takes ${(grown / MB).toFixed(1)} MB`)
  assert.equal(sha256(readFileSync(receiver.path('new.iso'))), sha256(shifted))
  assert.ok(grown < 14 * MB, `it takes ${grown} bytes`)
  drop(source, 'old.iso', randomBytes(MB))
  await settled(cluster)
  assert.equal(sha256(readFileSync(receiver.path('new.iso'))), sha256(shifted))
  await Promise.all(cluster.hosts.map((host) => host.kill('SIGTERM')))
})
