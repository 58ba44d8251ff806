import assert from 'node:assert/strict'
import { test } from 'node:test'
import { silentLog } from '../../src/base/log.ts'
import { Deletions, type DeletionsNeeds } from '../../src/engine/deletions.ts'
import { PathLocks } from '../../src/engine/path-locks.ts'
import { type Stat } from '../../src/sync/entry.ts'
import { fileEntry } from '../db/index-samples.ts'

/** A file of this inode has vanished, and nothing has been said of it yet. */
function vanished() {
  const deletions = new Deletions({
    brake: { isHeld: () => false },
    files: () => 1,
    clock: { after: () => () => {} },
  } as unknown as DeletionsNeeds)
  const entry = fileEntry('old.iso', 'content')
  deletions.missing(entry.path, entry)
  const { size, mtimeUs, ctimeUs, inode } = entry
  const stat: Stat = { kind: 'file', size, mtimeUs, ctimeUs: ctimeUs + 5_000_000, inode }
  return { deletions, stat }
}

test('a file that turns up under another name, and looks as it did, was renamed and need not settle again', () => {
  const { deletions, stat } = vanished()
  assert.equal(deletions.isRenamed(stat), true)
})

const LATER = [
  { what: 'is being written to', with: { mtimeUs: 1_700_000_009_000_000 } },
  { what: 'grows', with: { size: 20_000 } },
  { what: 'is another file', with: { inode: 8 } },
]
for (const later of LATER)
  test(`a file that turns up under another name and ${later.what} has to settle`, () => {
    const { deletions, stat } = vanished()
    assert.equal(deletions.isRenamed({ ...stat, ...later.with }), false)
  })

test('what is found missing again and again is told no later', () => {
  const timers = new Set<() => void>()
  let started = 0
  const after = (_ms: number, task: () => void) => {
    started++
    timers.add(task)
    return () => timers.delete(task)
  }
  const needs = { brake: { isHeld: () => false }, files: () => 1, clock: { after } }
  const deletions = new Deletions(needs as unknown as DeletionsNeeds)
  const entry = fileEntry('old.iso', 'content')
  for (let i = 0; i < 3; i++) deletions.missing(entry.path, entry)
  assert.deepEqual([started, timers.size], [1, 1])
  const other = fileEntry('other.iso', 'content')
  deletions.missing(other.path, other)
  assert.deepEqual([started, timers.size], [2, 1], 'what vanishes with it is gathered')
})

test('what a user has put back meanwhile is not taken for gone when the operator discards the deletion of others', async () => {
  const changed: string[] = []
  const announced: string[] = []
  const paths = [fileEntry('gone.iso', 'content').path, fileEntry('back.iso', 'content').path]
  const needs = {
    brake: { release: () => paths },
    disk: { stat: async (path: string) => (path === 'gone.iso' ? null : { kind: 'file' }) },
    records: { adopt: (path: string) => [{ op: 'forget-entry', path }] },
    committer: {
      commit: async (decide: () => readonly { path: string }[]) =>
        void changed.push(...decide().map(({ path }) => path)),
    },
    locks: new PathLocks(),
    announced: (told: readonly string[]) => announced.push(...told),
  }
  await new Deletions(needs as unknown as DeletionsNeeds).discard()
  assert.deepEqual([changed, announced], [['gone.iso'], ['gone.iso']])
})

for (const soundLooks of [0, 1, 2])
  test(`what is missing is announced as deleted only if the root is there before and after the second look (${soundLooks} of 2)`, async () => {
    let looks = 0
    const { deletions, said } = missing({ rootIsSound: async () => ++looks <= soundLooks })
    await deletions.settle()
    assert.deepEqual(said, soundLooks === 2 ? { noted: 1, told: 1 } : { noted: 0, told: 0 })
  })

test('what has vanished counts as still to be told until it has been committed', async () => {
  const commit = Promise.withResolvers<void>()
  const { deletions } = missing({ rootIsSound: async () => true, committed: commit.promise })
  const settled = deletions.settle()
  await new Promise(setImmediate)
  assert.equal(deletions.count, 1)
  commit.resolve()
  await settled
  assert.equal(deletions.count, 0)
})

/** The only file of the pool has vanished, and nothing keeps that from being told. */
function missing(needs: { rootIsSound: () => Promise<boolean>; committed?: Promise<void> }) {
  const said = { noted: 0, told: 0 }
  const entry = fileEntry('old.iso', 'content')
  const all = {
    brake: { isHeld: () => false, decide: () => 'pass' },
    files: () => 1,
    clock: { after: () => () => {} },
    index: { entry: () => entry },
    disk: { stat: async () => null },
    isComing: () => false,
    rootIsSound: needs.rootIsSound,
    records: {
      mayAnnounce: true,
      wasToGo: () => false,
      note: () => (said.noted++, { what: 'announced', changes: [{ op: 'forget-entry', path: entry.path }] }),
    },
    committer: {
      commit: async (decide: () => unknown) => {
        decide()
        await needs.committed
      },
    },
    locks: new PathLocks(),
    problems: { clear: () => {} },
    announced: () => said.told++,
    log: silentLog,
  }
  const deletions = new Deletions(all as unknown as DeletionsNeeds)
  deletions.missing(entry.path, entry)
  return { deletions, said }
}
