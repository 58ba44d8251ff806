/**
 * A daemon that starts before the disk of a folder is there, as after a reboot: it runs, that folder halts and says why,
 * the others work, nothing is put where the disk belongs, and the folder goes on by itself when the disk is there.
 */
import assert from 'node:assert/strict'
import { mkdirSync, readdirSync, renameSync, rmdirSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { generateSecret } from '../../src/base/secret.ts'
import { Cluster, type Host, until } from './cluster.ts'
import { DetachableDisk } from './detachable-disk.ts'
import { drop, report, settled, tree } from './pool.ts'

const DISK_BYTES = 48 << 20
const BACK_MS = 90_000

const halted = (host: Host) =>
  until(`the first folder of ${host.home} is halted`, async () => (await report(host))?.state === 'halted')

test('a folder whose directory is missing at the start halts alone, and begins when it is there', async () => {
  const second = generateSecret()
  const otherDir = (host: Host) => join(host.home, 'other')
  await using cluster = await Cluster.make({
    hosts: 2,
    configure: (config, i, { hosts }) => {
      const [folder = {}] = config.shared_folders
      const dir = join(hosts[i]?.home ?? '', 'other')
      mkdirSync(dir, { recursive: true })
      config.shared_folders.push({ ...folder, secret: second, dir })
    },
  })
  const [late, ready] = [cluster.host(0), cluster.host(1)]
  drop(ready, 'first.iso', 5000)
  rmdirSync(late.dir)
  const check = await late.cli('--check-config')
  assert.equal(check.code, 2, 'to whoever checks the config it is a mistake')
  assert.match(check.stderr, /shared_folders\[0\]\.dir: '.*' does not exist: make it, or mount its disk/)

  for (const host of cluster.hosts) host.start()
  await cluster.connected()
  await halted(late)
  assert.match((await report(late))?.stateDetail ?? '', /is not there.*mounted/)
  assert.equal((await late.cli('health')).code, 2)
  const doctor = await late.cli('doctor')
  assert.equal(doctor.code, 1)
  assert.match(doctor.stdout, /is not there, or no directory\s+to mend it: mount its disk, or `mkdir /)
  renameSync(join(ready.home, 'pool', 'first.iso'), join(otherDir(ready), 'second.iso'))
  await until('the other folder is synced', () => readdirSync(otherDir(late)).includes('second.iso'))
  assert.equal(readdirSync(late.home).includes('pool'), false, 'nothing is made where the disk belongs')

  drop(ready, 'third.iso', 5000)
  mkdirSync(late.dir)
  await until('the folder goes on by itself', () => tree(late).join() === tree(ready).join(), BACK_MS)
  await settled(cluster)
  drop(late, 'from-late.iso', 5000)
  await settled(cluster)
})

test('the bare directory below an empty pool is not taken for it after a reboot', async (t) => {
  await using cluster = await Cluster.make({ hosts: 2 })
  const [host, other] = [cluster.host(0), cluster.host(1)]
  using disk = DetachableDisk.make(`${host.home}.disk`, DISK_BYTES)
  if (disk?.mount(host.dir) !== true) return t.skip('needs the right to mount loop devices')
  try {
    for (const each of cluster.hosts) each.start()
    await cluster.connected()
    await settled(cluster)
    await host.kill('SIGKILL')
    disk.unmount(host.dir)
    drop(other, 'new.iso', 5000)
    host.start()
    await halted(host)
    assert.match((await report(host))?.stateDetail ?? '', /the marker of this folder is missing: is the disk mounted/)
    assert.deepEqual(readdirSync(host.dir), [])
    disk.mount(host.dir)
    await until('the folder goes on by itself', () => tree(host).join() === tree(other).join(), BACK_MS)
  } finally {
    await host.kill('SIGKILL')
  }
})
