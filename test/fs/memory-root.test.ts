import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { MemoryDisk } from '../../src/fs/memory-disk.ts'
import { crashDisk } from '../../src/fs/memory-crash.ts'
import { MemoryRoot, type MemoryOp } from '../../src/fs/memory-root.ts'
import { type FsErrorCode } from '../../src/fs/root.ts'
import { content, describeRoot, fails, p, stage, statOf, toArchive } from './root-compliance.ts'

/** A clock that no two stamps share. */
function ticking(): () => number {
  let us = 1_600_000_000_000_000
  return () => us++
}

describeRoot('MemoryRoot', () => {
  const root = new MemoryRoot({}, { now: ticking() })
  const { user } = root
  let other = new MemoryDisk({ now: ticking() })
  return {
    root,
    exchange: () => ([root.disk, other] = [other, root.disk]),
    user: {
      write: (path, text) => user.write(path, text),
      makeDirectory: (path) => user.makeDirectory(path),
      link: (path, target) => user.link(path, target),
      delete: (path) => user.delete(path),
      rename: (from, to) => user.rename(from, to),
      read: (path) => user.read(path)?.toString() ?? null,
    },
    close: () => {},
  }
})

describe('MemoryRoot, as a fake', () => {
  it('fails as the test wants it, with nothing done', async () => {
    let failing: readonly [MemoryOp, FsErrorCode] | null = null
    const root = new MemoryRoot({}, { now: ticking(), fail: (op) => (failing?.[0] === op ? failing[1] : null) })
    root.user.write('a', 'x')
    const stat = await statOf(root, 'a')
    failing = ['remove', 'io']
    await fails(root.remove(p('a'), stat, toArchive), 'io')
    failing = ['stat', 'denied']
    await fails(root.stat(p('a')), 'denied')
    failing = null
    assert.deepEqual(await root.stat(p('a')), stat)
  })

  it('throws a staged content away when its fsync failed, at once or in install', async () => {
    let failing = false
    const fail = (op: MemoryOp) => (failing && op === 'sync' ? ('io' as const) : null)
    const root = new MemoryRoot({}, { now: ticking(), fail })
    const staged = await root.openStaged(content('a'))
    failing = true
    await fails(staged.sync(), 'io')
    failing = false
    await fails(root.install(content('a'), p('a'), 0, null, toArchive), 'io')
    await stage(root, content('b'), 'x')
    failing = true
    await fails(root.install(content('b'), p('b'), 0, null, toArchive), 'io')
    assert.deepEqual([await root.listStaged(), (await root.list('')).children], [[], []])
  })

  it('is full when its capacity is used up', async () => {
    const root = new MemoryRoot({ capacityBytes: 100, minFreeBytes: 10 }, { now: ticking() })
    root.user.write('a', 'x'.repeat(60))
    assert.equal(await root.freeBytes(), 30)
    const staged = await root.openStaged(content('a'))
    await staged.write(Buffer.alloc(40), 0)
    await fails(staged.write(Buffer.alloc(1), 40), 'no-space')
    assert.equal(await root.freeBytes(), 0)
  })

  it('forgets in a crash what was not synced, and keeps what was installed, with what that replaced', async () => {
    const root = new MemoryRoot({}, { now: ticking() })
    root.user.write('a', 'old')
    root.disk.syncAll()
    await stage(root, content('a'), 'new')
    const unsynced = await root.openStaged(content('b'))
    await unsynced.write(Buffer.from('lost'), 0)
    const { archived } = await root.install(content('a'), p('a'), 0, await statOf(root, 'a'), toArchive)
    root.user.write('c', 'lost')
    crashDisk(root.disk)
    assert.deepEqual([root.user.read('a')?.toString(), root.user.read('c')], ['new', null])
    assert.deepEqual(
      (await root.listArchive()).map(({ name }) => name),
      [archived?.name],
    )
    assert.equal((await statOf(root, 'a')).mtimeUs, 0)
  })

  it('shows rot by its bytes only', async () => {
    const root = new MemoryRoot({}, { now: ticking() })
    root.user.write('a', 'abc')
    const before = await statOf(root, 'a')
    root.user.rot('a', 0)
    assert.deepEqual([root.user.read('a')?.toString(), await statOf(root, 'a')], ['`bc', before])
  })
})
