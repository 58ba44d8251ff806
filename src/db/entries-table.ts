/** The table `entry`: what this host has under each path of one folder. */
import { assert, assertNever } from '../base/assert.ts'
import { type DirPath, type RelPath, type RootHash } from '../base/brand.ts'
import { nameOf, parentOf } from '../sync/path.ts'
import { type Entry, type FileEntry } from '../sync/entry.ts'
import { hexOf, packVersion, unpackVersion } from './blob.ts'
import { NUMBER, TEXT } from './bound.ts'
import { type ContentsTable } from './contents-table.ts'
import { type DirectoriesTable, storedPath } from './directories-table.ts'
import { ABSENT, entryKind, kindNumber } from './kind.ts'
import { type Connection } from './open-connection.ts'
import { Remembered } from './remembered.ts'

export interface EntryRow {
  readonly name: string
  readonly kind: number
  readonly version: Uint8Array
  readonly root: Uint8Array | null
  readonly size: number | null
  readonly mtimeUs: number | null
  readonly ctimeUs: number | null
  readonly inode: number | null
  readonly target: string | null
}

export const ENTRY_COLUMNS = `e.name, e.kind, e.version, c.root, e.size, e.mtime_us AS mtimeUs, e.ctime_us AS ctimeUs, e.inode, e.target`
const SELECT = `SELECT ${ENTRY_COLUMNS} FROM entry e LEFT JOIN content c ON c.id = e.content`

export interface EntriesNeeds {
  readonly directories: DirectoriesTable
  readonly contents: ContentsTable
}

export class EntriesTable {
  readonly #folder: number
  readonly #needs: EntriesNeeds
  readonly #ofPath
  readonly #inDirectory
  readonly #holding
  readonly #anyIn
  readonly #anyAtAll
  readonly #insert
  readonly #delete
  readonly #remembered = new Remembered<Entry>({ read: (path) => this.#read(path) })

  constructor(db: Connection, folder: number, needs: EntriesNeeds) {
    this.#folder = folder
    this.#needs = needs
    this.#ofPath = db.prepare<[number, string], EntryRow>(`${SELECT} WHERE e.dir = ${NUMBER} AND e.name = ${TEXT}`)
    this.#inDirectory = db.prepare<[number], EntryRow>(
      `${SELECT} WHERE e.dir = ${NUMBER} AND e.kind <> ${ABSENT} ORDER BY e.name`,
    )
    // CROSS JOIN: from the few entries to their directories, not through all directories to the entries.
    this.#holding = db.prepare<[number, number], EntryRow & { dir: DirPath }>(
      `SELECT d.path AS dir, ${ENTRY_COLUMNS} FROM entry e CROSS JOIN directory d ON d.id = e.dir
         CROSS JOIN content c ON c.id = e.content
       WHERE e.content = ${NUMBER} AND d.folder = ${NUMBER} ORDER BY d.path, e.name`,
    )
    this.#anyIn = db
      .prepare<[number], number>(`SELECT 1 FROM entry WHERE dir = ${NUMBER} AND kind <> ${ABSENT} LIMIT 1`)
      .pluck()
    this.#anyAtAll = db
      .prepare<[number], number>(
        `SELECT 1 FROM entry e JOIN directory d ON d.id = e.dir WHERE d.folder = ${NUMBER} LIMIT 1`,
      )
      .pluck()
    this.#insert = db.prepare<unknown[]>(
      `INSERT INTO entry (dir, name, kind, version, content, size, mtime_us, ctime_us, inode, target)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
       ON CONFLICT DO UPDATE SET kind = excluded.kind, version = excluded.version, content = excluded.content,
         size = excluded.size, mtime_us = excluded.mtime_us, ctime_us = excluded.ctime_us, inode = excluded.inode,
         target = excluded.target`,
    )
    this.#delete = db.prepare<[number, string]>('DELETE FROM entry WHERE dir = ? AND name = ?')
  }

  get(path: RelPath): Entry | null {
    return this.#remembered.get(path)
  }

  /** A transaction has been undone. */
  rowsWent(): void {
    this.#remembered.forgetAll()
  }

  #read(path: RelPath): Entry | null {
    const [dir, name] = [parentOf(path), nameOf(path)]
    const id = this.#needs.directories.find(dir)
    const row = id === null ? undefined : this.#ofPath.get(id, name)
    return row === undefined ? null : entryOf(dir, row)
  }

  any(): boolean {
    return this.#anyAtAll.get(this.#folder) !== undefined
  }

  in(dir: DirPath): readonly Entry[] {
    const id = this.#needs.directories.find(dir)
    return id === null ? [] : this.#inDirectory.all(id).map((row) => entryOf(dir, row))
  }

  /** By directory, then name: a directory comes before what it contains. One directory is held at a time. */
  *under(dir: DirPath): Generator<Entry> {
    for (const { id, path } of this.#needs.directories.upFrom(dir)) {
      for (const row of this.#inDirectory.all(id)) yield entryOf(path, row)
    }
  }

  *directories(dir: DirPath): Generator<DirPath> {
    for (const { id, path } of this.#needs.directories.upFrom(dir)) {
      if (this.#anyIn.get(id) !== undefined) yield path
    }
  }

  holding(root: RootHash): readonly FileEntry[] {
    const content = this.#needs.contents.find(root)
    if (content === null) return []
    return this.#holding.all(content, this.#folder).map((row) => fileEntryOf(row.dir, row))
  }

  put(entry: Entry): void {
    this.#remembered.forget(entry.path)
    const { directories, contents } = this.#needs
    const [dir, name] = [parentOf(entry.path), nameOf(entry.path)]
    const file = entry.kind === 'file' ? entry : null
    this.#insert.run(
      directories.idOf(dir),
      name,
      kindNumber(entry.kind),
      packVersion(entry.version),
      file && contents.idOf(file.root),
      file && file.size,
      file && file.mtimeUs,
      file && file.ctimeUs,
      file && file.inode,
      entry.kind === 'link' ? entry.target : null,
    )
    this.#remembered.set(entry.path, entry)
  }

  forget(path: RelPath): void {
    this.#remembered.forget(path)
    const [dir, name] = [parentOf(path), nameOf(path)]
    const id = this.#needs.directories.find(dir)
    if (id !== null) this.#delete.run(id, name)
  }
}

function entryOf(dir: DirPath, row: EntryRow): Entry {
  const kind = entryKind(row.kind)
  if (kind === 'file') return fileEntryOf(dir, row)
  const common = { path: storedPath(dir, row.name), version: unpackVersion(row.version) }
  switch (kind) {
    case 'link':
      return { ...common, kind, target: row.target ?? '' }
    case 'directory':
    case 'absent':
      return { ...common, kind }
    default:
      return assertNever(kind)
  }
}

export function fileEntryOf(dir: DirPath, row: EntryRow): FileEntry {
  const { root, size, mtimeUs, ctimeUs, inode } = row
  assert(root !== null && size !== null && mtimeUs !== null, 'a file entry without its columns')
  assert(ctimeUs !== null && inode !== null, 'a file entry without its columns')
  const path = storedPath(dir, row.name)
  return {
    path,
    version: unpackVersion(row.version),
    kind: 'file',
    root: hexOf<RootHash>(root),
    size,
    mtimeUs,
    ctimeUs,
    inode,
  }
}
