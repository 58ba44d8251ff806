/** The table `record`: what one folder says of its paths, in the order in which this host came to know it. */
import { type DirPath, type RelPath, type ReplicaId, type RootHash } from '../base/brand.ts'
import { assert, assertNever } from '../base/assert.ts'
import { nameOf, parentOf } from '../sync/path.ts'
import { type SignedRecord } from '../sync/record.ts'
import { blobOf, hexOf, packRoots, packVersion, unpackRoots, unpackVersion } from './blob.ts'
import { NUMBER, TEXT } from './bound.ts'
import { type ContentsTable } from './contents-table.ts'
import { type DirectoriesTable, storedPath } from './directories-table.ts'
import { type Sequenced } from './index-port.ts'
import { kindNumber, recordKind } from './kind.ts'
import { LatestRecords } from './latest-records.ts'
import { type Connection } from './open-connection.ts'
import { Remembered } from './remembered.ts'
import { Sequences, SEQUENCES_PER_FOLDER } from './sequences.ts'

/** Paths are read in pages, so that no statement stays open while the caller does something else. */
const PAGE_ROWS = 1_000

interface RecordRow {
  readonly id: number
  readonly name: string
  readonly kind: number
  readonly version: Uint8Array
  readonly author: Uint8Array
  readonly orderUs: number
  readonly signature: Uint8Array
  readonly previous: Uint8Array | null
  readonly root: Uint8Array | null
  readonly size: number | null
  readonly mtimeUs: number | null
  readonly target: string | null
  readonly earlier: Uint8Array | null
}

const COLUMNS = `r.id, r.name, r.kind, r.version, r.author, r.order_us AS orderUs, r.signature, p.root AS previous, c.root,
    r.size, r.mtime_us AS mtimeUs, r.target, r.earlier`
const CONTENTS = 'LEFT JOIN content c ON c.id = r.content LEFT JOIN content p ON p.id = r.previous'

export interface RecordsNeeds {
  readonly directories: DirectoriesTable
  readonly contents: ContentsTable
}

export class RecordsTable {
  readonly #folder: number
  readonly #needs: RecordsNeeds
  readonly #ofPath
  readonly #after
  readonly #namesIn
  readonly #insert
  readonly #delete
  readonly #sequences: Sequences
  readonly #latest = new LatestRecords()
  readonly #remembered = new Remembered<readonly SignedRecord[]>({ read: (path) => this.#read(path) })

  constructor(db: Connection, folder: number, needs: RecordsNeeds) {
    this.#folder = folder
    this.#needs = needs
    this.#ofPath = db.prepare<[number, string], RecordRow>(
      `SELECT ${COLUMNS} FROM record r ${CONTENTS} WHERE r.dir = ${NUMBER} AND r.name = ${TEXT} ORDER BY r.id`,
    )
    this.#after = db.prepare<[number, number, number], RecordRow & { dir: DirPath }>(
      `SELECT d.path AS dir, ${COLUMNS} FROM record r CROSS JOIN directory d ON d.id = r.dir ${CONTENTS} WHERE r.id > ${NUMBER} AND r.id < ${NUMBER} ORDER BY r.id LIMIT ${NUMBER}`,
    )
    this.#namesIn = db
      .prepare<[number, string, number], string>(
        `SELECT DISTINCT name FROM record WHERE dir = ${NUMBER} AND name > ${TEXT} ORDER BY name LIMIT ${NUMBER}`,
      )
      .pluck()
    this.#insert = db.prepare<unknown[]>(
      `INSERT INTO record (id, dir, name, kind, version, author, order_us, signature, previous, content, size, mtime_us, target, earlier)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    )
    this.#delete = db.prepare<[number]>('DELETE FROM record WHERE id = ?')
    this.#sequences = new Sequences(db, folder)
  }

  of(path: RelPath): readonly SignedRecord[] {
    return this.#remembered.get(path) ?? []
  }

  /** A transaction has been undone. */
  rowsWent(): void {
    this.#remembered.forgetAll()
    this.#sequences.undone()
    this.#latest.forget()
  }

  /** The transaction is about to end. */
  writeSequence(): void {
    this.#sequences.write()
  }

  after(sequence: number, limit: number): readonly Sequenced[] {
    return this.#latest.following(sequence, limit) ?? this.#readAfter(sequence, limit)
  }

  #readAfter(sequence: number, limit: number): readonly Sequenced[] {
    const base = this.#folder * SEQUENCES_PER_FOLDER
    const rows = this.#after.all(base + sequence, base + SEQUENCES_PER_FOLDER, limit)
    return rows.map((row) => ({ sequence: row.id - base, record: recordOf(row.dir, row) }))
  }

  lastSequence(): number {
    return this.#sequences.last()
  }

  /** All paths, by directory, then name. */
  *paths(): Generator<RelPath> {
    for (const { id, path } of this.#needs.directories.upFrom('')) {
      for (let after = ''; ;) {
        const names = this.#namesIn.all(id, after, PAGE_ROWS)
        for (const name of names) yield storedPath(path, name)
        const last = names.at(-1)
        if (last === undefined || names.length < PAGE_ROWS) break
        after = last
      }
    }
  }

  /** Makes `records` the set of the path. A signature covers all fields: equal ones mean that it is stored already. */
  replace(path: RelPath, records: readonly SignedRecord[]): void {
    const wanted = new Map(records.map((record) => [signatureKey(record.signature), record]))
    const isNew = this.of(path).length === 0
    this.#remembered.forget(path)
    for (const row of isNew ? [] : this.#rowsOf(path)) {
      if (!wanted.delete(signatureKey(row.signature))) this.#drop(row.id)
    }
    for (const record of wanted.values()) {
      assert(record.path === path, `a record of ${record.path} among those of ${path}`)
      this.#store(record)
    }
    if (records.length < 2) this.#remembered.set(path, records)
  }

  #read(path: RelPath): readonly SignedRecord[] {
    const dir = parentOf(path)
    return this.#rowsOf(path).map((row) => recordOf(dir, row))
  }

  #rowsOf(path: RelPath): readonly RecordRow[] {
    const [dir, name] = [parentOf(path), nameOf(path)]
    const id = this.#needs.directories.find(dir)
    return id === null ? [] : this.#ofPath.all(id, name)
  }

  #drop(id: number): void {
    this.#delete.run(id)
    this.#latest.delete(id - this.#folder * SEQUENCES_PER_FOLDER)
  }

  #store(record: SignedRecord): void {
    const { directories, contents } = this.#needs
    const [dir, name] = [parentOf(record.path), nameOf(record.path)]
    const file = record.kind === 'file' ? record : null
    const sequence = this.#sequences.next()
    this.#insert.run(
      this.#folder * SEQUENCES_PER_FOLDER + sequence,
      directories.idOf(dir),
      name,
      kindNumber(record.kind),
      packVersion(record.version),
      blobOf(record.author),
      record.orderUs,
      record.signature,
      contents.idOrNull(record.previous),
      file && contents.idOf(file.root),
      file && file.size,
      file && file.mtimeUs,
      record.kind === 'link' ? record.target : null,
      packRoots(record.earlier),
    )
    this.#latest.add(sequence, record)
  }
}

function recordOf(dir: DirPath, row: RecordRow): SignedRecord {
  const common = {
    path: storedPath(dir, row.name),
    version: unpackVersion(row.version),
    author: hexOf<ReplicaId>(row.author),
    previous: row.previous && hexOf<RootHash>(row.previous),
    earlier: unpackRoots(row.earlier),
    orderUs: row.orderUs,
    signature: row.signature,
  }
  const kind = recordKind(row.kind)
  switch (kind) {
    case 'file': {
      const { root, size, mtimeUs } = row
      assert(root !== null && size !== null && mtimeUs !== null, 'a file record without its columns')
      return { ...common, kind, root: hexOf<RootHash>(root), size, mtimeUs }
    }
    case 'link':
      return { ...common, kind, target: row.target ?? '' }
    case 'directory':
    case 'tombstone':
      return { ...common, kind }
    default:
      return assertNever(kind)
  }
}

function signatureKey(signature: Uint8Array): string {
  return Buffer.from(signature.buffer, signature.byteOffset, signature.byteLength).toString('latin1')
}
