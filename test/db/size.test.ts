/** How large the index gets, with what real pools hold: promises of the README, measured on a database on disk. */
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test, type TestContext } from 'node:test'
import { type Change, type FolderIndex } from '../../src/db/index-port.ts'
import { type IndexDatabase, openIndexDatabase } from '../../src/db/open.ts'
import { fromHex, type RootHash } from '../../src/base/brand.ts'
import { type PieceList, PieceListBuilder, rootHash } from '../../src/sync/piece-list.ts'
import { fileEntry, fileRecord, folderNamed } from './index-samples.ts'

const dir = mkdtempSync(join(tmpdir(), 'isosyncd-size-'))
after(() => rmSync(dir, { recursive: true }))

const hash = (text: string) => createHash('sha256').update(text).digest()

/** 61,000 pieces of 66 sectors on average: 8 GB. */
function imageOf(name: string): PieceList {
  const builder = new PieceListBuilder()
  for (let i = 0; i < 61_000; i++) builder.add(hash(`${name} ${i}`), (33 + ((hash(`${i}`)[0] ?? 0) % 67)) * 2048)
  return builder.build()
}

function grown(database: IndexDatabase, work: () => void): number {
  const before = database.bytes()
  work()
  return database.bytes() - before
}

test('the piece list of an 8 GB image costs at most 5 MB, in a new index and beside others', (t: TestContext) => {
  const database = openIndexDatabase(join(dir, 'images.db'))
  const folder = database.folder(folderNamed('f'))
  const sizes = Array.from({ length: 4 }, (_, i) => imageOf(`image ${i}`)).map((list) =>
    grown(database, () => folder.commit([{ op: 'content', root: rootHash(list), list }])),
  )
  t.diagnostic(`bytes for each image in turn: ${sizes.join(', ')}`)
  for (const size of sizes) assert.ok(size <= 5_000_000, `${size} bytes`)
  database.close()
})

test('a file costs at most 600 bytes of records and entries, in whatever order files come', (t: TestContext) => {
  const database = openIndexDatabase(join(dir, 'files.db'))
  const folder = database.folder(folderNamed('f'))
  const files = 20_000
  const order = Array.from({ length: files }, (_, i) => i).sort((a, b) => Buffer.compare(hash(`${a}`), hash(`${b}`)))
  const names = order.map((i) => `images/${i % 100}/debian-12.${i}-amd64-netinst.iso`)
  const contents = grown(database, () => commitEach(folder, names, contentChanges))
  const rest = grown(database, () => commitEach(folder, names, fileChanges))
  t.diagnostic(`bytes a file: ${rest / files} of records and entries, ${contents / files} of contents and pieces`)
  assert.ok(rest / files <= 600, `${rest / files} bytes`)
  assert.ok((rest + contents) / files <= 700, `${(rest + contents) / files} bytes with contents`)
  database.close()
})

/** Commits 100 names at a time: the size is the same as one by one, and the test need not wait for 40,000 fsyncs. */
function commitEach(
  folder: FolderIndex,
  names: readonly string[],
  changesOf: (name: string) => readonly Change[],
): void {
  for (let at = 0; at < names.length; at += 100) folder.commit(names.slice(at, at + 100).flatMap(changesOf))
}

const rootOf = (name: string): RootHash => fromHex(hash(name).toString('hex'))

function contentChanges(name: string): readonly Change[] {
  const list = new PieceListBuilder()
  list.add(hash(name), 30_000)
  return [{ op: 'content', root: rootOf(name), list: list.build() }]
}

function fileChanges(name: string): readonly Change[] {
  const root = rootOf(name)
  const record = { ...fileRecord(name, ''), root, mtimeUs: 1.7e15 + (hash(name)[0] ?? 0) }
  return [
    { op: 'records', path: record.path, records: [record] },
    { op: 'entry', entry: { ...fileEntry(name, ''), root } },
  ]
}
