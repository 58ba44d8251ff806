import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type FileEntry } from '../../src/sync/entry.ts'
import { LocalRecords } from '../../src/engine/local-records.ts'
import { type SignedRecord } from '../../src/sync/record.ts'
import { fileEntry, fileRecord, folderNamed, path, replicaNamed, rootNamed, versionOf } from '../db/index-samples.ts'

const FILE = path('a.iso')
/** Another host has replaced it: fetched and installed here, but the index has not heard of that yet. */
const replaced = { ...fileRecord('a.iso', 'new', 1_700_000_005), previous: rootNamed('old') }

const replacedAgain = { ...fileRecord('a.iso', 'newer', 1_700_000_006), previous: rootNamed('new') }

function recordsWith(entry: FileEntry, record: SignedRecord): LocalRecords {
  const index = { entry: () => entry, recordsOf: () => [record], replica: replicaNamed('c') }
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
  assert.equal(noteGone({ ...again, previous: rootNamed('old') }).what, 'announced', 'it was there all the time')
  const concurrent = { ...again, version: versionOf('b', 1_700_000_005) }
  assert.equal(noteGone({ ...concurrent, previous: null }).what, 'announced', 'its author knew of no deletion')
})
