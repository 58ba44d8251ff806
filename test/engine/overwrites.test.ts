import assert from 'node:assert/strict'
import { beforeEach, describe, test } from 'node:test'
import { type RelPath, type RootHash } from '../../src/base/brand.ts'
import { silentLog } from '../../src/base/log.ts'
import { Brake } from '../../src/engine/brake.ts'
import { Overwrites } from '../../src/engine/overwrites.ts'
import { PathLocks } from '../../src/engine/path-locks.ts'
import { ProblemList } from '../../src/engine/problem-list.ts'
import { type Stat } from '../../src/sync/entry.ts'
import { VirtualClock } from '../net/virtual-clock.ts'

const FILES = 20
const GATHERED_MS = 600

describe('overwritten files', () => {
  let clock: VirtualClock
  let problems: ProblemList
  let overwrites: Overwrites
  let announced: RelPath[]
  let committed: Promise<void>
  let givenUp: RelPath[]
  let onDisk: Map<RelPath, Stat>

  beforeEach(() => {
    clock = new VirtualClock()
    problems = new ProblemList({ log: silentLog })
    announced = []
    committed = Promise.resolve()
    givenUp = []
    onDisk = new Map()
    const heldAs = (kind: 'held-deletions' | 'held-overwrites') => ({ kind, sentence: (n: number) => `${n} are held` })
    const brake = new Brake(
      { deleted: heldAs('held-deletions'), replaced: heldAs('held-overwrites') },
      { limits: () => ({ maxFiles: 10, maxPercent: 25 }), files: () => FILES, problems, clock },
    )
    overwrites = new Overwrites({
      disk: { stat: async (path) => onDisk.get(path) ?? null },
      records: { adopt: (path) => [{ op: 'forget-entry', path }] },
      committer: { commit: async (decide) => void decide() },
      locks: new PathLocks(),
      brake,
      announce: async ({ path }) => {
        announced.push(path)
        await committed
      },
      announced: (paths) => givenUp.push(...paths),
      lookAgain: () => {},
      clock,
    })
  })

  function overwrite(from: number, to: number): void {
    for (let i = from; i < to; i++) overwrites.add({ path: nth(i), stat: statOf(i), observed: observed(i) })
    for (let i = from; i < to; i++) onDisk.set(nth(i), statOf(i))
  }

  test('go when no more have followed for a moment', async () => {
    overwrite(0, 3)
    assert.equal(announced.length, 0)
    await clock.pass(GATHERED_MS)
    assert.equal(announced.length, 3)
    assert.equal(overwrites.count, 0)
  })

  test('count as still to come until they have been committed', async () => {
    const commit = Promise.withResolvers<void>()
    committed = commit.promise
    overwrite(0, 3)
    await clock.pass(GATHERED_MS)
    assert.deepEqual([announced.length, overwrites.count], [3, 3])
    commit.resolve()
    await clock.pass(0)
    assert.equal(overwrites.count, 0)
  })

  test('are held when they are too many, and stay so until the operator approves', async () => {
    overwrite(0, 11)
    await clock.pass(GATHERED_MS)
    assert.equal(announced.length, 0)
    assert.ok(problems.has('held-overwrites', null))
    overwrite(11, 12)
    await clock.pass(3_600_000)
    assert.equal(announced.length, 0, 'what follows is held as well')
    assert.ok(overwrites.has(nth(3), statOf(3)), 'none is read again meanwhile')
    assert.equal(await overwrites.approve(nth(3)), 1)
    assert.deepEqual(announced, [nth(3)])
    assert.ok(problems.has('held-overwrites', null))
    assert.equal(await overwrites.approve(), 11)
    assert.equal(announced.length, 12)
    assert.ok(!problems.has('held-overwrites', null))
  })

  test('wait while files that look changed could make them too many, and go when those turn out to be the same', async () => {
    for (let i = 0; i < 12; i++) overwrites.suspect(nth(i))
    overwrite(0, 2)
    await clock.pass(GATHERED_MS)
    assert.equal(announced.length, 0, 'ten more are in doubt')
    for (let i = 2; i < 12; i++) overwrites.cleared(nth(i))
    await clock.pass(GATHERED_MS)
    assert.equal(announced.length, 2)
  })

  test('wait no more for files that looked changed on a disk that was mounted in place of this one', async () => {
    for (let i = 0; i < 12; i++) overwrites.suspect(nth(i))
    overwrite(0, 2)
    await clock.pass(GATHERED_MS)
    overwrites.doubtNothing()
    await clock.pass(GATHERED_MS)
    assert.equal(announced.length, 2)
  })

  test('none has left when the last of many has been read', async () => {
    for (let i = 0; i < 12; i++) overwrites.suspect(nth(i))
    for (let i = 0; i < 12; i++) {
      overwrite(i, i + 1)
      await clock.pass(GATHERED_MS)
    }
    assert.equal(announced.length, 0)
    assert.ok(problems.has('held-overwrites', null))
  })

  test('are counted over a minute, in however many parts they come', async () => {
    overwrite(0, 6)
    await clock.pass(GATHERED_MS)
    overwrite(6, 12)
    await clock.pass(GATHERED_MS)
    assert.equal(announced.length, 6)
    assert.ok(problems.has('held-overwrites', null))
  })

  test('are given up by discard, but for those that have changed again', async () => {
    overwrite(0, 11)
    await clock.pass(GATHERED_MS)
    onDisk.set(nth(5), statOf(99))
    assert.equal(await overwrites.discard(), 11)
    assert.equal(givenUp.length, 10)
    assert.ok(!givenUp.includes(nth(5)))
    assert.equal(announced.length, 0)
    assert.ok(!problems.has('held-overwrites', null))
  })

  test('that go, or come to be as before, are held no more', async () => {
    overwrite(0, 11)
    await clock.pass(GATHERED_MS)
    for (let i = 0; i < 11; i++) overwrites.forget(nth(i))
    assert.ok(!problems.has('held-overwrites', null))
    assert.equal(await overwrites.approve(), 0)
  })

  test('a steady stream of them does not keep any waiting for longer than a minute', async () => {
    overwrite(0, 1)
    for (let i = 1; announced.length === 0 && i < 200; i++) {
      overwrites.suspect(nth(i))
      overwrites.cleared(nth(i))
      await clock.pass(400)
    }
    assert.deepEqual(announced, [nth(0)])
    assert.ok(clock.elapsed() <= 62_000, `${clock.elapsed()} ms`)
  })
})

function nth(i: number): RelPath {
  return `${i}.iso` as RelPath
}

function statOf(i: number): Stat {
  return { kind: 'file', size: 100, mtimeUs: i, ctimeUs: i, inode: i }
}

function observed(i: number) {
  return { kind: 'file' as const, size: 100, mtimeUs: i, root: `${i}`.padStart(64, '0') as RootHash }
}
