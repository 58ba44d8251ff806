import assert from 'node:assert/strict'
import { closeSync, existsSync, mkdtempSync, openSync, rmSync, writeFileSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { IndexError, type IndexErrorCode } from '../../src/db/index-error.ts'
import { openConnection } from '../../src/db/open-connection.ts'
import { MIGRATIONS, type Migration } from '../../src/db/open-schema.ts'
import { openIndexDatabase } from '../../src/db/open.ts'
import { ofContent } from '../../src/sync/approval.ts'
import { fileEntry, fileRecord, folderNamed, hashNamed, listOf, path, rootNamed } from './index-samples.ts'

const dir = mkdtempSync(join(tmpdir(), 'isosyncd-open-'))
after(() => rmSync(dir, { recursive: true }))

const FOLDER = folderNamed('f')
const LATEST = MIGRATIONS.length + 1

const refusedAs =
  (code: IndexErrorCode, ...words: string[]) =>
  (error: unknown) => {
    assert.ok(error instanceof IndexError, String(error))
    assert.equal(error.code, code)
    for (const word of words) assert.ok(error.message.includes(word), `${word} in: ${error.message}`)
    return true
  }

function withFile(at: string): void {
  const database = openIndexDatabase(at)
  database.folder(FOLDER).commit([{ op: 'entry', entry: fileEntry('f', '1') }])
  database.close()
}

/** Damages a database where rows lie: behind the pages of the schema. */
function overwritePages(at: string): void {
  const fd = openSync(at, 'r+')
  for (let page = 40; page < 60; page++) writeSync(fd, Buffer.alloc(512, 0x5a), 0, 512, page * 4096)
  closeSync(fd)
}

function versionIn(at: string): unknown {
  const { db } = openConnection(at)
  const version = db.pragma('user_version', { simple: true })
  db.close()
  return version
}

test('a new index draws its replica id from the chance it is given, and keeps it', () => {
  const at = join(dir, 'replica.db')
  const first = openIndexDatabase(at, { randomBytes: (n) => Buffer.alloc(n, 0xab) })
  assert.equal(first.replica, 'ab'.repeat(8))
  assert.equal(first.isNew, true)
  assert.equal(first.folder(FOLDER).replica, first.replica)
  first.close()
  const second = openIndexDatabase(at, { randomBytes: (n) => Buffer.alloc(n, 1) })
  assert.equal(second.replica, first.replica)
  assert.equal(second.isNew, false)
  second.close()
})

test('commits are synced before they return, and memory is bounded', () => {
  const { db } = openConnection(join(dir, 'pragmas.db'))
  const pragma = (name: string) => db.pragma(name, { simple: true })
  assert.equal(pragma('journal_mode'), 'wal')
  assert.equal(pragma('synchronous'), 2)
  assert.equal(pragma('foreign_keys'), 1)
  assert.equal(pragma('cache_size'), -16 * 1024)
  assert.equal(pragma('busy_timeout'), 5000)
  db.close()
})

test('an older index is migrated step by step, and a copy of the old one lies beside it', () => {
  const at = join(dir, 'old.db')
  withFile(at)
  const steps: string[] = []
  const migrations: readonly Migration[] = [
    ...MIGRATIONS,
    (db) => {
      steps.push('first')
      db.exec('ALTER TABLE meta ADD COLUMN colour TEXT')
    },
    (db) => {
      steps.push('second')
      db.exec("UPDATE meta SET colour = 'red'")
    },
  ]
  const database = openIndexDatabase(at, {}, { migrations })
  assert.deepEqual(database.folder(FOLDER).entry(path('f')), fileEntry('f', '1'))
  database.close()
  assert.equal(versionIn(at), LATEST + 2)
  assert.equal(versionIn(`${at}.v${LATEST}.bak`), LATEST)
  const copy = openIndexDatabase(`${at}.v${LATEST}.bak`)
  assert.deepEqual(copy.folder(FOLDER).entry(path('f')), fileEntry('f', '1'))
  copy.close()
  openIndexDatabase(at, {}, { migrations }).close()
  assert.deepEqual(steps, ['first', 'second'])
})

/** A database of the current schema, turned back into what version 1 was. */
function asVersion1(at: string): void {
  const { db } = openConnection(at)
  db.exec(`
    DROP TRIGGER entry_content_changed;
    DROP TRIGGER rotten_ended;
    DROP TRIGGER rotten_went;
    DROP TABLE rotten;
    DROP TRIGGER approved_came;
    DROP TRIGGER approved_done;
    DROP TABLE approved;
    ALTER TABLE record DROP COLUMN earlier;
    ALTER TABLE entry DROP COLUMN verified_s;
    ALTER TABLE folder DROP COLUMN is_marked;
    ALTER TABLE folder DROP COLUMN used_ms;
    ALTER TABLE archived DROP COLUMN used_ms;
    ALTER TABLE folder DROP COLUMN scrub_began_ms;
    ALTER TABLE folder DROP COLUMN scrub_ended_ms;`)
  db.pragma('user_version = 1')
  db.close()
}

/** Every table with its columns, every index and trigger: in what order they came does not matter. */
function schemaOf(at: string): readonly string[] {
  const { db } = openConnection(at)
  const objects = db
    .prepare<[], string>(
      `SELECT s.type || ' ' || s.name || ' ' || coalesce((SELECT group_concat(c) FROM
         (SELECT name || ' ' || type || ' ' || "notnull" || ' ' || pk AS c FROM pragma_table_info(s.name) ORDER BY name)), '')
       FROM sqlite_schema s ORDER BY 1`,
    )
    .pluck()
    .all()
  db.close()
  return objects
}

test('an index of version 1 comes to the schema of a new one, and keeps what it knows', () => {
  const [old, fresh] = [join(dir, 'v1.db'), join(dir, 'fresh.db')]
  withFile(old)
  withFile(fresh)
  const archived = { name: 'f.x', path: path('f'), root: rootNamed('1'), size: 5, reason: 'deleted', archivedMs: 1e12 } // prettier-ignore
  const before = openIndexDatabase(old)
  before.folder(FOLDER).commit([{ op: 'archived', file: { ...archived, reason: 'deleted' } }])
  before.close()
  asVersion1(old)
  const database = openIndexDatabase(old)
  const folder = database.folder(FOLDER)
  assert.deepEqual(folder.entry(path('f')), fileEntry('f', '1'))
  assert.deepEqual(folder.archive(), [archived])
  assert.deepEqual([...folder.scrubFiles()], [{ path: path('f'), size: 12_345, verifiedMs: null }])
  for (const reason of ['rotten', 'unknown'] as const)
    folder.commit([{ op: 'archived', file: { ...archived, name: `f.${reason}`, reason } }])
  database.close()
  assert.equal(versionIn(old), LATEST)
  assert.deepEqual(schemaOf(old), schemaOf(fresh))
})

test('a migration that fails leaves the version before it, whole', () => {
  const at = join(dir, 'failing.db')
  withFile(at)
  const fails: Migration = (db) => {
    db.exec('DROP TABLE entry')
    throw new Error('power cut')
  }
  assert.throws(() => openIndexDatabase(at, {}, { migrations: [...MIGRATIONS, fails] }), /power cut/)
  const database = openIndexDatabase(at)
  assert.deepEqual(database.folder(FOLDER).entry(path('f')), fileEntry('f', '1'))
  database.close()
})

test('an index of a later isosyncd is refused, with both versions and what to do', () => {
  const at = join(dir, 'newer.db')
  withFile(at)
  openIndexDatabase(at, {}, { migrations: [...MIGRATIONS, () => {}] }).close()
  assert.throws(
    () => openIndexDatabase(at),
    refusedAs('newer', at, `version ${LATEST + 1}`, `up to ${LATEST}`, 'Install', `${at}.v${LATEST}.bak`),
  )
  assert.equal(versionIn(at), LATEST + 1)
})

test('a file that is no database is refused as damaged, and left alone', () => {
  const at = join(dir, 'text.db')
  writeFileSync(at, 'This is not a database, whatever its name says. '.repeat(100))
  assert.throws(() => openIndexDatabase(at), refusedAs('corrupt', at, 'Move it away'))
})

test('the database of another program is refused', () => {
  const at = join(dir, 'foreign.db')
  const { db } = openConnection(at)
  db.pragma('application_id = 1')
  db.exec('CREATE TABLE theirs (x)')
  db.close()
  assert.throws(() => openIndexDatabase(at), refusedAs('foreign', at, 'another program'))
})

test('a directory that is not there is refused in plain words', () => {
  const at = join(dir, 'no', 'such', 'index.db')
  assert.throws(() => openIndexDatabase(at), refusedAs('unusable', at, 'cannot be opened'))
  assert.equal(existsSync(join(dir, 'no')), false)
})

test('quick_check finds nothing in a sound index, and a table whose pages were overwritten', () => {
  const at = join(dir, 'rot.db')
  const database = openIndexDatabase(at)
  const entries = Array.from({ length: 2_000 }, (_, i) => fileEntry(`file ${i}`, `${i}`))
  database.folder(FOLDER).commit(entries.map((entry) => ({ op: 'entry', entry }) as const))
  assert.deepEqual(database.quickCheck(), [])
  database.close()
  overwritePages(at)
  const damaged = openIndexDatabase(at)
  assert.notDeepEqual(damaged.quickCheck(), [])
  damaged.close()
})

test('garbage is what no entry, archived file, live record or transfer holds', () => {
  const database = openIndexDatabase(':memory:')
  const folder = database.folder(FOLDER)
  const held = ['entry', 'archived', 'record', 'transfer'] as const
  const all = [...held, 'nothing']
  folder.commit(all.map((name) => ({ op: 'content', root: rootNamed(name), list: listOf([name, 'shared']) }) as const))
  folder.commit([
    { op: 'entry', entry: fileEntry('e', 'entry') },
    { op: 'records', path: path('r'), records: [{ ...fileRecord('r', 'record'), previous: rootNamed('nothing') }] },
    { op: 'archived', file: { name: 'a.1', path: path('a'), root: rootNamed('archived'), size: 1, reason: 'deleted', archivedMs: 1 } }, // prettier-ignore
  ])
  assert.equal(database.collectGarbage(new Set([rootNamed('transfer')])), 1)
  assert.equal(database.collectGarbage(new Set([rootNamed('transfer')])), 0)
  for (const name of held) assert.notEqual(folder.pieceList(rootNamed(name)), null, name)
  assert.equal(folder.pieceList(rootNamed('nothing')), null)
  assert.deepEqual(folder.findPiece(hashNamed('nothing')), [])
  assert.equal(folder.findPiece(hashNamed('shared')).length, 4)
  assert.equal(folder.recordsOf(path('r'))[0]?.previous, rootNamed('nothing'))
  database.close()
})

test('a directory of which nothing is known but what the operator let go in it is no garbage', () => {
  const database = openIndexDatabase(':memory:')
  const folder = database.folder(FOLDER)
  const approval = ofContent(path('new/held.iso'), rootNamed('1'))
  folder.commit([{ op: 'approved', approval }])
  database.collectGarbage(new Set())
  assert.equal(folder.isApproved(approval), true)
  database.close()
})

test('a content that was collected may come back', () => {
  const database = openIndexDatabase(':memory:')
  const folder = database.folder(FOLDER)
  const content = { op: 'content', root: rootNamed('c'), list: listOf(['p']) } as const
  folder.commit([content])
  assert.equal(database.collectGarbage(new Set()), 1)
  folder.commit([content])
  assert.equal(folder.findPiece(hashNamed('p')).length, 1)
  database.close()
})
