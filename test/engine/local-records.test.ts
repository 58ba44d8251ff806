import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Entry, type FileEntry } from '../../src/sync/entry.ts'
import { LocalRecords, type Noted } from '../../src/engine/local-records.ts'
import { type SignedRecord } from '../../src/sync/record.ts'
import { compareVersions } from '../../src/sync/version.ts'
import { statOf } from '../../src/engine/tree-changes.ts'
import {
  directoryEntry,
  fileEntry,
  fileRecord,
  folderNamed,
  listOf,
  path,
  replicaNamed,
  rootNamed,
  tombstone,
  versionOf,
} from '../db/index-samples.ts'

const FILE = path('a.iso')
/** Another host has replaced it: fetched and installed here, but the index has not heard of that yet. */
const replaced = { ...fileRecord('a.iso', 'new', 1_700_000_005), previous: rootNamed('old') }

const replacedAgain = { ...fileRecord('a.iso', 'newer', 1_700_000_006), previous: rootNamed('new') }

function recordsWith(
  entry: Entry,
  record: SignedRecord,
  isRotten = false,
  others: readonly SignedRecord[] = [],
): LocalRecords {
  const index = {
    entry: () => entry,
    recordsOf: () => [record, ...others],
    replica: replicaNamed('c'),
    rotten: () => (isRotten ? [{ path: FILE, badPieces: 1, pieces: 1, foundMs: 0 }] : []),
    pieceList: () => listOf(['piece']),
  }
  const options = { folder: folderNamed('one'), sign: () => new Uint8Array(64) }
  return new LocalRecords(options, { index, clock: { now: () => 1_700_000_010_000 } })
}

/** What happened to a file that has gone, which this host knows at an older version. */
function noteGone(record: SignedRecord) {
  const entry: FileEntry = { ...fileEntry('a.iso', 'old'), version: versionOf('a', 1_700_000_000) }
  return recordsWith(entry, record).note(FILE, { kind: 'absent' }, null)
}

function note(content: string, record: SignedRecord = replaced) {
  const entry: FileEntry = { ...fileEntry('a.iso', 'old'), version: versionOf('a', 1_700_000_000) }
  const { mtimeUs, ctimeUs, inode, size } = fileEntry('a.iso', content)
  const stat = { kind: 'file' as const, size, mtimeUs, ctimeUs, inode }
  return recordsWith(entry, record).note(FILE, { kind: 'file', size, mtimeUs, root: rootNamed(content) }, stat)
}

test('what was installed just before a crash is taken up, and not announced as a change of this host', () => {
  const { what, changes } = note('new')
  assert.equal(what, 'known')
  assert.deepEqual(
    changes.map((change) => change.op === 'entry' && [change.entry.kind, change.entry.version]),
    [['file', versionOf('a', 1_700_000_000)]],
  )
})

test('the same when it has been replaced by the time this host is there again', () => {
  assert.equal(note('new', replacedAgain).what, 'known')
})

test('what a user has written meanwhile is announced', () => {
  assert.equal(note('other').what, 'announced')
})

test('what was taken away just before a crash, and has been made again elsewhere, is not announced as deleted here', () => {
  const again = { ...fileRecord('a.iso', 'old', 1_700_000_005), version: versionOf('a', 1_700_000_005) }
  assert.equal(noteGone({ ...again, previous: null }).what, 'known')
  assert.equal(
    noteGone({ ...again, previous: rootNamed('other') }).what,
    'known',
    'another content lay there meanwhile',
  )
  assert.equal(noteGone({ ...again, previous: rootNamed('old') }).what, 'announced', 'it was there all the time')
  const concurrent = { ...again, version: versionOf('b', 1_700_000_005) }
  assert.equal(noteGone({ ...concurrent, previous: null }).what, 'announced', 'its author knew of no deletion')
})

test('a directory taken away just before a crash for a file that has lost since is not announced as deleted here', () => {
  const entry = { ...directoryEntry('a.iso'), version: versionOf('a', 1_700_000_000) }
  const file = fileRecord('a.iso', 'file', 1_700_000_005)
  const again: SignedRecord = { ...tombstone('a.iso', null), kind: 'directory', orderUs: file.orderUs + 1 }
  assert.equal(recordsWith(entry, file, false, [again]).note(FILE, { kind: 'absent' }, null).what, 'known')
  const concurrent = { ...file, version: versionOf('c', 1_700_000_005) }
  const { what } = recordsWith(entry, concurrent, false, [again]).note(FILE, { kind: 'absent' }, null)
  assert.equal(what, 'announced', 'no file was to come in its place')
})

const rot: FileEntry = { ...fileEntry('a.iso', 'flipped'), version: [] }
const sound = fileRecord('a.iso', 'sound')
const observedAs = (content: string, mtimeUs = rot.mtimeUs) => {
  return { kind: 'file', size: rot.size, mtimeUs, root: rootNamed(content) } as const
}
const fileOf = (changes: Noted['changes']) =>
  changes.flatMap((change) => (change.op === 'records' ? change.records : [])).find((record) => record.kind === 'file')

test('what a user puts in place of rot replaces what it was, whatever the clocks say', () => {
  const records = recordsWith(rot, sound, true)
  const { changes, what } = records.note(FILE, observedAs('new'), statOf(rot))
  assert.equal(what, 'announced')
  assert.equal(fileOf(changes)?.previous, sound.root)
  assert.equal(compareVersions(fileOf(changes)?.version ?? [], sound.version), 'after')
  assert.equal(records.isOverwrite(FILE, observedAs('new')), true)
})

test('rot that is given another time is not announced', () => {
  const records = recordsWith(rot, sound, true)
  assert.equal(records.note(FILE, observedAs('flipped', rot.mtimeUs + 1), statOf(rot)).what, 'known')
  assert.equal(records.isOverwrite(FILE, observedAs('flipped', rot.mtimeUs + 1)), false)
})

test('rot that was deleted is fetched again', () => {
  assert.equal(recordsWith(rot, sound, true).note(FILE, { kind: 'absent' }, null).what, 'known')
})

test('what others deleted while it was rotten here is brought back as it was before', () => {
  const records = recordsWith(rot, tombstone('a.iso', 'sound'), true)
  assert.equal(fileOf(records.reassertWhole(FILE))?.root, sound.root)
  assert.equal(fileOf(records.reassert(FILE))?.root, rot.root, 'unless the operator takes it as it is')
})

test('a change to what won a conflict is one to both sides, also while this host has not noted that it won', () => {
  const won = { ...fileRecord('a.iso', 'ours', 1_700_000_005), version: versionOf('a', 1_700_000_005) }
  const lost = { ...fileRecord('a.iso', 'theirs', 1_700_000_004), version: versionOf('b', 1_700_000_004) }
  const entry: FileEntry = { ...fileEntry('a.iso', 'ours'), version: won.version }
  const { changes } = recordsWith(entry, won, false, [lost]).note(FILE, { kind: 'absent' }, null)
  const [change] = changes
  assert.ok(change?.op === 'records')
  assert.deepEqual(
    change.records.map(({ kind }) => kind),
    ['tombstone'],
    'what lost does not come back',
  )
})
