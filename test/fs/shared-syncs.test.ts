import assert from 'node:assert/strict'
import { closeSync, mkdtempSync, openSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { SharedSyncs } from '../../src/fs/shared-syncs.ts'

const dir = mkdtempSync(join(tmpdir(), 'isosyncd-syncs-'))
const other = mkdtempSync(join(tmpdir(), 'isosyncd-syncs-'))
const fds = [dir, dir, other].map((path) => openSync(path, 'r'))
const [first, second, elsewhere] = fds as [number, number, number]
after(() => {
  for (const fd of fds) closeSync(fd)
  for (const path of [dir, other]) rmSync(path, { recursive: true })
})

/** Syncs that end when the test says so. */
function slowDisk() {
  const begun: { fd: number; end: PromiseWithResolvers<void> }[] = []
  const syncs = new SharedSyncs({
    syncFile: (fd) => {
      const end = Promise.withResolvers<void>()
      begun.push({ fd, end })
      return end.promise
    },
  })
  return { syncs, begun, soon: () => new Promise(setImmediate) }
}

test('one sync serves all who ask before it begins, whatever handle of the directory they have', async () => {
  const { syncs, begun, soon } = slowDisk()
  const asked = [syncs.sync(first), syncs.sync(second), syncs.sync(elsewhere)]
  await soon()
  assert.deepEqual(
    begun.map(({ fd }) => fd),
    [first, elsewhere],
  )
  for (const { end } of begun) end.resolve()
  await Promise.all(asked)
})

test('who asks while one is under way gets another: that one may have begun before the change', async () => {
  const { syncs, begun, soon } = slowDisk()
  const before = syncs.sync(first)
  await soon()
  let done = false
  const later = syncs.sync(second).then(() => (done = true))
  begun[0]!.end.resolve()
  await before
  await soon()
  assert.deepEqual([begun.length, done], [2, false])
  begun[1]!.end.resolve()
  await later
})

test('a failure is told to all whom the sync was to serve, and not to those of the next', async () => {
  const { syncs, begun, soon } = slowDisk()
  const asked = [syncs.sync(first), syncs.sync(second)]
  await soon()
  const next = syncs.sync(first)
  begun[0]!.end.reject(new Error('EIO'))
  for (const one of asked) await assert.rejects(one, /EIO/)
  await soon()
  begun[1]!.end.resolve()
  await next
})
