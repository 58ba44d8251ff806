import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type RelPath } from '../../src/base/brand.ts'
import { silentLog } from '../../src/base/log.ts'
import { type Change } from '../../src/db/index-port.ts'
import { LocalChanges, type LocalChangesNeeds } from '../../src/engine/local-changes.ts'
import { rootHash } from '../../src/sync/piece-list.ts'
import { listOf, path } from '../db/index-samples.ts'

test('a link whose target vanishes before it has settled is looked at again, and waits no more', () => {
  const settling = new Set<RelPath>([path('image.iso')])
  const again: RelPath[] = []
  const needs = {
    settling: {
      has: (at: RelPath) => settling.has(at),
      forget: (at: RelPath) => settling.delete(at),
      get count() {
        return settling.size
      },
    },
    deletions: { count: 0 },
    overwrites: { count: 0, forget: () => {}, cleared: () => {} },
    lookAgain: (at: RelPath) => again.push(at),
  }
  const changes = new LocalChanges(needs as unknown as LocalChangesNeeds)
  const stat = { kind: 'link' as const, size: 9, mtimeUs: 1, ctimeUs: 1, inode: 1 }
  changes.sighted({ seen: 'link', path: path('current.iso'), stat, target: 'image.iso', entry: null })
  assert.deepEqual(again, [])
  changes.vanished(path('image.iso'))
  assert.deepEqual(again, [path('current.iso')])
  assert.equal(changes.busy, 0)
})

test('a link to the directory that it lies in is taken up after that, and not looked at again and again', async () => {
  const again: RelPath[] = []
  const sound = Promise.withResolvers<boolean>()
  let takenUp = 0
  const needs = {
    index: { entry: () => null },
    settling: { has: () => false, count: 0 },
    deletions: { count: 0 },
    overwrites: { count: 0, cleared: () => {} },
    locks: { with: (_paths: readonly RelPath[], work: () => Promise<unknown>) => work() },
    rootIsSound: () => (takenUp++, sound.promise),
    lookAgain: (at: RelPath) => again.push(at),
  }
  const changes = new LocalChanges(needs as unknown as LocalChangesNeeds)
  const stat = { size: 9, mtimeUs: 1, ctimeUs: 1, inode: 1 }
  changes.sighted({ seen: 'directory', path: path('d'), stat: { ...stat, kind: 'directory' }, entry: null })
  const link = {
    seen: 'link',
    path: path('d/here'),
    stat: { ...stat, kind: 'link' },
    target: '../d',
    entry: null,
  } as const
  changes.sighted(link)
  await new Promise(setImmediate)
  assert.equal(takenUp, 1, 'the directory')
  sound.resolve(false)
  await new Promise(setImmediate)
  assert.equal(takenUp, 2)
  assert.deepEqual(again, [])
})

test('a link that has been replaced since it was seen is looked at again, and what was seen is not announced', async () => {
  const again: RelPath[] = []
  const stat = { kind: 'link' as const, size: 9, mtimeUs: 1, ctimeUs: 1, inode: 1 }
  const needs = {
    index: { entry: (at: RelPath) => (at === path('image.iso') ? { kind: 'file' } : null) },
    disk: { stat: async () => ({ ...stat, inode: 2 }) },
    settling: { has: () => false, count: 0 },
    deletions: { count: 0 },
    overwrites: { count: 0, cleared: () => {} },
    locks: { with: (_paths: readonly RelPath[], work: () => Promise<unknown>) => work() },
    rootIsSound: async () => true,
    lookAgain: (at: RelPath) => again.push(at),
    committer: { commit: () => assert.fail('it was taken up') },
    problems: { set: (_kind: string, _path: RelPath, detail: string) => assert.fail(detail) },
    log: silentLog,
  }
  const changes = new LocalChanges(needs as unknown as LocalChangesNeeds)
  changes.sighted({ seen: 'link', path: path('current.iso'), stat, target: 'image.iso', entry: null })
  await new Promise(setImmediate)
  assert.deepEqual(again, [path('current.iso')])
})

test('a file that was held so long that its pieces have been forgotten is hashed again when it is approved', async () => {
  const [pieces, stat] = [listOf(['held']), { kind: 'file' as const, size: 9, mtimeUs: 1, ctimeUs: 1, inode: 1 }]
  const observed = { kind: 'file' as const, size: 9, mtimeUs: 1, root: rootHash(pieces) }
  const committed: string[] = []
  const needs = {
    index: { entry: () => null, pieceList: () => null },
    taker: { hash: async () => pieces },
    disk: { stat: async () => stat },
    deletions: { renamedFrom: () => null },
    records: { note: () => ({ changes: [], what: 'announced' }) },
    committer: {
      commit: async (decide: () => readonly Change[]) => void committed.push(...decide().map(({ op }) => op)),
    },
    locks: { with: (_paths: readonly RelPath[], work: () => Promise<unknown>) => work() },
    rootIsSound: async () => true,
    problems: { clear: () => {} },
    log: silentLog,
    announced: () => {},
  }
  const changes = new LocalChanges(needs as unknown as LocalChangesNeeds)
  await changes.announce({ path: path('held.iso'), stat, observed })
  assert.deepEqual(committed, ['content'])
})

test('a file that changed while it was hashed is looked at again, also if the look comes before the hashing has ended', async () => {
  const again: RelPath[] = []
  const waiting = new Set<RelPath>()
  const hashed = Promise.withResolvers<null>()
  const needs = {
    index: { entry: () => null },
    settling: { settled: (at: RelPath) => waiting.delete(at) || true, has: (at: RelPath) => waiting.has(at), count: 0 },
    deletions: { count: 0, isRenamed: () => false },
    overwrites: { count: 0, has: () => false, cleared: () => {} },
    refused: { has: () => false },
    taker: { hash: () => hashed.promise },
    locks: { with: (_paths: readonly RelPath[], work: () => Promise<unknown>) => work() },
    lookAgain: (at: RelPath) => again.push(at),
  }
  const changes = new LocalChanges(needs as unknown as LocalChangesNeeds)
  const stat = { kind: 'file' as const, size: 9, mtimeUs: 1, ctimeUs: 1, inode: 1 }
  const sighting = { seen: 'file', path: path('image.iso'), stat, entry: null } as const
  changes.sighted(sighting)
  waiting.add(path('image.iso')) // it changed: to be looked at when it has settled, which is now
  changes.sighted(sighting)
  hashed.resolve(null)
  await new Promise(setImmediate)
  assert.deepEqual(again, [path('image.iso')])
})

test('a file that is written to while its record is committed is looked at again', async () => {
  const [pieces, stat] = [listOf(['first']), { kind: 'file' as const, size: 9, mtimeUs: 1, ctimeUs: 1, inode: 1 }]
  const again: RelPath[] = []
  const committed = Promise.withResolvers<void>()
  const needs = {
    index: { entry: () => null, recordsOf: () => [], pieceList: () => pieces },
    disk: { stat: async () => stat },
    settling: { settled: () => true, has: () => false, count: 0 },
    deletions: { count: 0, isRenamed: () => false, renamedFrom: () => null },
    overwrites: { count: 0, has: () => false, cleared: () => {} },
    refused: { has: () => false },
    taker: { hash: async () => pieces },
    records: { isOverwrite: () => false, note: () => ({ changes: [], what: 'announced' }) },
    committer: { commit: () => committed.promise },
    locks: { with: (_paths: readonly RelPath[], work: () => Promise<unknown>) => work() },
    rootIsSound: async () => true,
    problems: { clear: () => {} },
    announced: () => {},
    lookAgain: (at: RelPath) => again.push(at),
    log: silentLog,
  }
  const changes = new LocalChanges(needs as unknown as LocalChangesNeeds)
  changes.sighted({ seen: 'file', path: path('image.iso'), stat, entry: null })
  await new Promise(setImmediate)
  changes.sighted({ seen: 'file', path: path('image.iso'), stat: { ...stat, mtimeUs: 2 }, entry: null })
  committed.resolve()
  await new Promise(setImmediate)
  assert.deepEqual(again, [path('image.iso')])
})

test('when the root is not there any more, nothing that was seen in it keeps other files waiting', () => {
  const forgotten: string[] = []
  const needs = {
    settling: { forgetAll: () => forgotten.push('what has not settled') },
    overwrites: { doubtNothing: () => forgotten.push('what looked changed') },
  }
  new LocalChanges(needs as unknown as LocalChangesNeeds).halted()
  assert.deepEqual(forgotten, ['what has not settled', 'what looked changed'])
})
