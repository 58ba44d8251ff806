/**
 * What a scrub knows of one folder: when it last found each file right (a column of `entry`), the round that it is in
 * (columns of `folder`), and the files that it found rotten (`rotten`).
 */
import { type DirPath, type RelPath, type RootHash } from '../base/brand.ts'
import { nameOf, parentOf } from '../sync/path.ts'
import { blobOf } from './blob.ts'
import { BYTES, NUMBER, TEXT } from './bound.ts'
import { type DirectoriesTable, storedPath } from './directories-table.ts'
import { type RottenFile, type ScrubFile, type ScrubRound } from './index-port.ts'
import { kindNumber } from './kind.ts'
import { type Connection } from './open-connection.ts'

/** Files are read in pages, so that no statement stays open while the caller reads what lies in them. */
const PAGE_ROWS = 500
const MS_PER_S = 1000

interface FileRow {
  readonly name: string
  readonly size: number
  readonly verifiedS: number | null
}

export class ScrubTable {
  readonly #folder: number
  readonly #directories: DirectoriesTable
  readonly #page
  readonly #ofPath
  readonly #verify
  readonly #round
  readonly #setRound
  readonly #rotten
  readonly #putRotten

  constructor(db: Connection, folder: number, directories: DirectoriesTable) {
    this.#folder = folder
    this.#directories = directories
    const columns = 'name, size, verified_s AS verifiedS'
    const isFile = `kind = ${kindNumber('file')}`
    this.#page = db.prepare<[number, string, number], FileRow>(
      `SELECT ${columns} FROM entry WHERE dir = ${NUMBER} AND name > ${TEXT} AND ${isFile} ORDER BY name LIMIT ${NUMBER}`,
    )
    this.#ofPath = db.prepare<[number, string], FileRow>(
      `SELECT ${columns} FROM entry WHERE dir = ${NUMBER} AND name = ${TEXT} AND ${isFile}`,
    )
    this.#verify = db.prepare<[number, number, string, Uint8Array]>(
      `UPDATE entry SET verified_s = ${NUMBER} WHERE dir = ${NUMBER} AND name = ${TEXT}
         AND content = (SELECT id FROM content WHERE root = ${BYTES})`,
    )
    this.#round = db.prepare<[number], { beganMs: number | null; endedMs: number | null }>(
      `SELECT scrub_began_ms AS beganMs, scrub_ended_ms AS endedMs FROM folder WHERE id = ${NUMBER}`,
    )
    this.#setRound = db.prepare<[number | null, number | null, number]>(
      'UPDATE folder SET scrub_began_ms = ?, scrub_ended_ms = ? WHERE id = ?',
    )
    // CROSS JOIN: from the few rotten files to their directories, not through all directories to the rotten files.
    this.#rotten = db.prepare<[number], Omit<RottenFile, 'path'> & { dir: DirPath; name: string }>(
      `SELECT d.path AS dir, r.name, r.bad_pieces AS badPieces, r.pieces, r.found_ms AS foundMs
       FROM rotten r CROSS JOIN directory d ON d.id = r.dir WHERE d.folder = ${NUMBER} ORDER BY d.path, r.name`,
    )
    this.#putRotten = db.prepare<[number, string, number, number, number]>(
      'INSERT OR REPLACE INTO rotten (dir, name, bad_pieces, pieces, found_ms) VALUES (?, ?, ?, ?, ?)',
    )
  }

  /** All files, by directory, then by name. May be left and taken up again while the index changes. */
  *files(): Generator<ScrubFile> {
    for (const { id, path } of this.#directories.upFrom('')) {
      for (let after = ''; ;) {
        const page = this.#page.all(id, after, PAGE_ROWS)
        for (const row of page) yield scrubFile(path, row)
        const last = page.at(-1)
        if (last === undefined || page.length < PAGE_ROWS) break
        after = last.name
      }
    }
  }

  file(path: RelPath): ScrubFile | null {
    const dir = parentOf(path)
    const id = this.#directories.find(dir)
    const row = id === null ? undefined : this.#ofPath.get(id, nameOf(path))
    return row === undefined ? null : scrubFile(dir, row)
  }

  /** Nothing, if the path holds another content by now. */
  verified(path: RelPath, root: RootHash, atMs: number): void {
    const id = this.#directories.find(parentOf(path))
    if (id !== null) this.#verify.run(Math.floor(atMs / MS_PER_S), id, nameOf(path), blobOf(root))
  }

  round(): ScrubRound {
    return this.#round.get(this.#folder) ?? { beganMs: null, endedMs: null }
  }

  setRound({ beganMs, endedMs }: ScrubRound): void {
    this.#setRound.run(beganMs, endedMs, this.#folder)
  }

  rotten(): readonly RottenFile[] {
    return this.#rotten.all(this.#folder).map(({ dir, name, ...file }) => ({ ...file, path: storedPath(dir, name) }))
  }

  putRotten({ path, badPieces, pieces, foundMs }: RottenFile): void {
    this.#putRotten.run(this.#directories.idOf(parentOf(path)), nameOf(path), badPieces, pieces, foundMs)
  }
}

function scrubFile(dir: DirPath, { name, size, verifiedS }: FileRow): ScrubFile {
  return { path: storedPath(dir, name), size, verifiedMs: verifiedS === null ? null : verifiedS * MS_PER_S }
}
