import assert from 'node:assert/strict'
import { test } from 'node:test'
import { silentLog } from '../../src/base/log.ts'
import { type RelPath } from '../../src/base/brand.ts'
import { Applier } from '../../src/engine/applier.ts'
import { FsError } from '../../src/fs/root.ts'
import { PathLocks } from '../../src/engine/path-locks.ts'
import { ProblemList } from '../../src/engine/problem-list.ts'
import { type Entry } from '../../src/sync/entry.ts'
import { type SignedRecord } from '../../src/sync/record.ts'
import { directoryEntry, fileEntry, fileRecord, path, tombstone } from '../db/index-samples.ts'

const FILE = path('d/a.iso')

/** Installs d/a.iso. Returns the paths that are to be scanned then. */
async function install(above: { entry: Entry | null; records: readonly SignedRecord[] }): Promise<readonly RelPath[]> {
  const rescanned: RelPath[] = []
  let installed: Entry | null = null
  const applier = new Applier({
    index: {
      entry: (at) => (at === FILE ? installed : above.entry),
      recordsOf: (at) => (at === FILE ? [fileRecord(FILE, 'content')] : above.records),
      entriesUnder: () => [],
    },
    locks: new PathLocks(),
    tree: {
      install: () => Promise.resolve(void (installed = fileEntry(FILE, 'content'))),
    } as unknown as ConstructorParameters<typeof Applier>[0]['tree'],
    problems: new ProblemList({ log: silentLog }),
    rootIsSound: () => Promise.resolve(true),
    isHeld: () => false,
    isWanted: () => false,
    wantedBelow: () => [],
    release: () => {},
    rescan: (at) => rescanned.push(at),
    diskFull: (_, error) => assert.fail(error.message),
    log: silentLog,
  })
  applier.consider([FILE])
  await applier.settled()
  return rescanned
}

test('a deleted directory that is there again for what was put into it is seen at once, and so announced', async () => {
  const gone: Entry = { kind: 'absent', path: path('d'), version: tombstone('d', null).version }
  assert.deepEqual(await install({ entry: gone, records: [tombstone('d', null)] }), [FILE])
})

test('what is put into a directory that the index knows needs no scan', async () => {
  assert.deepEqual(await install({ entry: directoryEntry('d'), records: [] }), [])
})

test('what would be buried with a directory that is held is looked at when that is no longer so', async () => {
  let [held, isFile]: [boolean, boolean] = [true, true]
  const done: RelPath[] = []
  const applier = new Applier({
    index: {
      entry: (at) => (at === FILE ? null : directoryEntry('d')),
      recordsOf: (at) => (at === FILE ? [fileRecord(FILE, 'content')] : isFile ? [fileRecord('d', 'a file')] : []),
      entriesUnder: () => [],
    },
    locks: new PathLocks(),
    tree: {
      install: (at: RelPath) => Promise.resolve(void done.push(at)),
    } as unknown as ConstructorParameters<typeof Applier>[0]['tree'],
    problems: new ProblemList({ log: silentLog }),
    rootIsSound: () => Promise.resolve(true),
    isHeld: (at) => held && at === path('d'),
    isWanted: () => false,
    wantedBelow: () => [],
    release: () => {},
    rescan: () => {},
    diskFull: (_, error) => assert.fail(error.message),
    log: silentLog,
  })
  applier.consider([FILE])
  await applier.settled()
  assert.deepEqual([done, applier.postponed], [[], 0])
  held = false
  isFile = false
  applier.consider([path('d')])
  await applier.settled()
  await applier.settled()
  assert.deepEqual(done, [FILE])
})

test('a path that could not be installed is not tried again as soon as its content is there, but when all that failed is', async () => {
  let tries = 0
  const applier = installing((at) => {
    tries++
    return Promise.reject(new FsError('io', at, 'cannot sync'))
  })
  applier.consider([path('image.iso')])
  await applier.settled()
  applier.contentCame([path('image.iso')]) // where another path wants it too, and fails likewise, for ever
  await applier.settled()
  assert.equal(tries, 1)
  applier.retry()
  await applier.settled()
  assert.equal(tries, 2)
})

test('what is to go waits for all that is to come, also for what is heard of while a file is put in its place', async () => {
  const installs = new Map<RelPath, PromiseWithResolvers<void>>()
  const [first, second] = [path('first.iso'), path('second.iso')]
  for (const at of [first, second]) installs.set(at, Promise.withResolvers<void>())
  const applier = installing(async (at) => installs.get(at)?.promise)
  let isSettled = false
  applier.contentCame([first])
  const settled = applier.liveSettled().then(() => (isSettled = true))
  await new Promise(setImmediate)
  applier.consider([second])
  installs.get(first)?.resolve()
  await new Promise(setImmediate)
  assert.equal(isSettled, false, 'the second is still to be renamed or fetched')
  installs.get(second)?.resolve()
  await settled
})

test('what is to go is gone on with where content comes for one of it, and nothing else is to come', async () => {
  const installs: RelPath[] = []
  const disk = Promise.withResolvers<void>()
  const applier = installing(async (at) => {
    installs.push(at)
    await disk.promise
    throw new FsError('io', at, 'cannot sync')
  })
  const many = Array.from({ length: 65 }, (_, i) => path(`${100 + i}.iso`))
  applier.consider([], many)
  await new Promise(setImmediate)
  const [waiting, ...others] = many.filter((at) => !installs.includes(at))
  assert.ok(waiting !== undefined && others.length === 0, 'one has to wait for its turn')
  applier.contentCame([waiting])
  disk.resolve()
  await applier.settled()
  assert.deepEqual(installs.sort(), many)
})

/** Every path is a file that is to come, and nothing else is in its way. */
function installing(install: (path: RelPath) => Promise<void>): Applier {
  const needs = {
    index: { entry: () => null, recordsOf: (at: RelPath) => [fileRecord(at, 'content')], entriesUnder: () => [] },
    locks: new PathLocks(),
    tree: { install },
    problems: new ProblemList({ log: silentLog }),
    rootIsSound: () => Promise.resolve(true),
    isHeld: () => false,
    isWanted: () => true,
    wantedBelow: () => [],
    release: () => {},
    rescan: () => {},
    log: silentLog,
  }
  return new Applier(needs as unknown as ConstructorParameters<typeof Applier>[0])
}
