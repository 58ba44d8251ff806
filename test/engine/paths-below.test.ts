import assert from 'node:assert/strict'
import { test } from 'node:test'
import { PathsBelow } from '../../src/engine/paths-below.ts'
import { path } from '../db/index-samples.ts'
import { TwoHosts } from './two-hosts.ts'

const IMAGE = 'image '.repeat(100_000)

test('a path has others below it until the last of them has gone', () => {
  const below = new PathsBelow()
  for (const at of ['d/e/x', 'd/y']) below.add(path(at))
  below.remove(path('d/e/x'))
  assert.deepEqual(
    ['d', 'd/e', 'd/y', 'y'].map((at) => below.isAny(path(at))),
    [true, false, false, false],
  )
  below.remove(path('d/y'))
  assert.equal(below.isAny(path('d')), false)
})

test('what was to come into a directory is not waited for when a file stands there, be it put there on this host', async () => {
  const hosts = new TwoHosts()
  const { one, two } = hosts
  one.root.user.write('d/image.iso', IMAGE)
  let isAnnounced = false
  one.fails = (op) => (isAnnounced && (op === 'open' || op === 'openArchived') ? 'denied' : null)
  one.hint('d/image.iso')
  while (two.folder.remote.wanted.count === 0) {
    await hosts.pass(1)
    isAnnounced = one.folder.local.changes.busy === 0
  }
  await hosts.pass(5_000)
  assert.deepEqual([two.tree(), two.folder.remote.wanted.count], [{ d: null }, 1])

  two.root.user.delete('d')
  two.root.user.write('d', 'a file')
  two.hint('d')
  await hosts.pass(20_000)
  assert.deepEqual(two.tree(), { d: 'a file' })
  assert.equal(two.folder.remote.wanted.count, 0)
  await hosts.close()
})
