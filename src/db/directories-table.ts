/** The table `directory`: the directories of one folder and their numbers. */
import QuickLRU from 'quick-lru'
import { type DirPath, type RelPath } from '../base/brand.ts'
import { NUMBER } from './bound.ts'
import { type Connection } from './open-connection.ts'

export interface DirectoryRow {
  readonly id: number
  readonly path: DirPath
}

/** Directories are read in pages, so that no statement stays open while the caller does something else. */
const PAGE_ROWS = 500
/** Directories that are worked in at a time, with some to spare; at most twice as many: 100 bytes each. */
const LEAST_REMEMBERED = 1_000

export class DirectoriesTable {
  readonly #folder: number
  /** Asked for with every path. */
  readonly #ids = new QuickLRU<DirPath, number>({ maxSize: LEAST_REMEMBERED })
  readonly #find
  readonly #insert
  readonly #page

  constructor(db: Connection, folder: number) {
    this.#folder = folder
    this.#find = db.prepare<[number, string], number>('SELECT id FROM directory WHERE folder = ? AND path = ?').pluck()
    this.#insert = db.prepare<[number, string]>('INSERT INTO directory (folder, path) VALUES (?, ?)')
    this.#page = db.prepare<[number, string, string | Uint8Array, number], DirectoryRow>(
      `SELECT id, path FROM directory WHERE folder = ${NUMBER} AND path > ? AND path < ? ORDER BY path LIMIT ${NUMBER}`,
    )
  }

  /** The number of a directory, or null if nothing is known under it. */
  find(path: DirPath): number | null {
    const known = this.#ids.get(path)
    if (known !== undefined) return known
    const found = this.#find.get(this.#folder, path)
    if (found !== undefined) this.#ids.set(path, found)
    return found ?? null
  }

  /** The number of a directory, given it now if it has none. */
  idOf(path: DirPath): number {
    const known = this.find(path)
    if (known !== null) return known
    const made = Number(this.#insert.run(this.#folder, path).lastInsertRowid)
    this.#ids.set(path, made)
    return made
  }

  /** Rows have gone: by a rollback, or as garbage. */
  rowsWent(): void {
    this.#ids.clear()
  }

  /** `dir` and all directories below it, in byte order of their paths. */
  *upFrom(dir: DirPath): Generator<DirectoryRow> {
    const own = this.find(dir)
    if (own !== null) yield { id: own, path: dir }
    const [from, to] = below(dir)
    for (let after: string = from; ;) {
      const page = this.#page.all(this.#folder, after, to, PAGE_ROWS)
      yield* page
      const last = page.at(-1)
      if (last === undefined || page.length < PAGE_ROWS) return
      after = last.path
    }
  }
}

/** What paths below a directory lie between: `dir/` and `dir0`, because '0' follows '/'. A blob sorts after any text. */
function below(dir: DirPath): [string, string | Uint8Array] {
  return dir === '' ? ['', new Uint8Array(0)] : [`${dir}/`, `${dir}0`]
}

/** The path of a row: it was a path when it came in, so it is not checked again. */
export function storedPath(dir: DirPath, name: string): RelPath {
  return (dir === '' ? name : `${dir}/${name}`) as RelPath
}
