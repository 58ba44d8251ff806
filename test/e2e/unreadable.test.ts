/** A daemon that is not root: what it may not read is a problem, and is not taken for deleted. */
import assert from 'node:assert/strict'
import { chmodSync, chownSync, existsSync, mkdirSync, renameSync } from 'node:fs'
import { test } from 'node:test'
import { Cluster } from './cluster.ts'
import { drop, report, settled, shown, solved } from './pool.ts'
import { meetObstacles, OBSTACLES, withoutPower } from './unreadable.ts'

const NOBODY = 65534

test('a file and a directory that may not be read are problems, and nothing of them is lost', async (t) => {
  await using cluster = await Cluster.make({ hosts: 2 })
  const [source, other] = [cluster.host(0), cluster.host(1)]
  const launcher = withoutPower(source)
  if (launcher === null) return t.skip('needs root, and setpriv')
  source.start({}, [], launcher)
  other.start()
  await cluster.connected()

  for (const name of ['seen.iso', 'secret.iso']) {
    drop(source, name, 1000)
    chownSync(source.path(name), NOBODY, NOBODY)
  }
  mkdirSync(source.path('closed'))
  drop(source, 'closed/inner.iso', 1000)
  chownSync(source.path('closed'), NOBODY, NOBODY)
  await settled(cluster)

  chmodSync(source.path('closed'), 0o700)
  chmodSync(source.path('secret.iso'), 0o600)
  drop(source, '.new.iso.part', 1000)
  chmodSync(source.path('.new.iso.part'), 0o600)
  chownSync(source.path('.new.iso.part'), NOBODY, NOBODY)
  renameSync(source.path('.new.iso.part'), source.path('new.iso'))
  await source.cli('rescan')
  assert.match(await shown(source, 'new.iso', 'unreadable'), /permission denied/i)
  assert.match(await shown(source, 'closed', 'unreadable'), /nothing there is taken as deleted/)
  assert.ok(existsSync(other.path('closed/inner.iso')))

  chmodSync(source.path('closed'), 0o755)
  chmodSync(source.path('new.iso'), 0o644)
  chmodSync(source.path('secret.iso'), 0o644)
  await source.cli('rescan')
  await solved(source, 'closed', 'unreadable')
  await solved(source, 'new.iso', 'unreadable')
  await settled(cluster)
  assert.equal((await report(other))?.files, 4)
})

test('what cannot be looked at is not deleted: closed, with bad names, or on a disk that fails', async (t) => {
  const figures = await meetObstacles({ obstacles: OBSTACLES })
  if (figures === null) return t.skip('needs root, setpriv and loop devices')
  assert.equal(figures.tombstones, 0)
})
