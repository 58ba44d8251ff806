/** Opens one SQLite file the way an index needs it: durable, bounded in memory, and surely ours. */
import Database from 'better-sqlite3'
import { asIndexError, IndexError, isUnwritableIndex } from './index-error.ts'

export type Connection = Database.Database

/** 'iSyn' in the header of the file, so that the database of another program is not taken for an index. */
const APPLICATION_ID = 0x6953796e
/** Page cache: a bound on memory. The upper levels of all trees of a million files fit in it. */
const CACHE_KIB = 16 * 1024
/** A doctor or a backup may read beside the daemon for a moment; longer means a second daemon. */
const BUSY_TIMEOUT_MS = 5_000
/** The write-ahead log shrinks to this after a large transaction, else it would keep its largest size for ever. */
const WAL_KEPT_BYTES = 16 * 1024 * 1024

/**
 * A connection to the database at `path` (or ':memory:'), created empty if it is not there. Throws IndexError.
 * `isNew` is true when nothing has been stored in it yet.
 */
export function openConnection(path: string): { readonly db: Connection; readonly isNew: boolean } {
  try {
    const db = new Database(path, { timeout: BUSY_TIMEOUT_MS })
    try {
      return { db, isNew: prepareConnection(db, path) }
    } catch (error) {
      db.close()
      throw error
    }
  } catch (error) {
    throw asIndexError(path, error)
  }
}

function prepareConnection(db: Connection, path: string): boolean {
  const isNew = numberOf(db, 'SELECT count(*) FROM sqlite_schema') === 0
  if (isNew) db.pragma(`application_id = ${APPLICATION_ID}`)
  else if (db.pragma('application_id', { simple: true }) !== APPLICATION_ID) {
    throw new IndexError(
      'foreign',
      path,
      'this database belongs to another program. It is left alone: set another storage_path',
    )
  }
  // storage_path has a lock of its own: without this, every statement outside a transaction makes four system calls.
  db.pragma('locking_mode = EXCLUSIVE')
  db.pragma('journal_mode = WAL')
  db.pragma('synchronous = FULL') // SQLite's default is; this build's default for WAL is NORMAL, which may lose commits
  db.pragma('foreign_keys = ON')
  db.pragma('trusted_schema = OFF')
  db.pragma('cell_size_check = ON') // notices some damage before it is followed
  db.pragma(`cache_size = -${CACHE_KIB}`)
  db.pragma(`journal_size_limit = ${WAL_KEPT_BYTES}`)
  return isNew
}

/** What `PRAGMA quick_check` finds wrong, at most ten lines; empty when all is well. Reads the whole database. */
export function quickCheck(db: Connection): readonly string[] {
  try {
    const found = db.prepare<[], string>('PRAGMA quick_check(10)').pluck().all()
    return found.length === 1 && found[0] === 'ok' ? [] : found
  } catch (error) {
    if (isUnwritableIndex(error) && !isReadFailure(error)) throw error // no room is no damage
    return [error instanceof Error ? error.message : String(error)]
  }
}

function isReadFailure(error: unknown): boolean {
  return error instanceof Error && 'code' in error && /^SQLITE_IOERR_(SHORT_)?READ/.test(String(error.code))
}

/** The one number that a query gives. */
export function numberOf(db: Connection, query: string): number {
  return db.prepare<[], number>(query).pluck().get() ?? 0
}
