/** What can be wrong with an index database as a whole. Trouble inside a transaction is SQLite's own error. */

export type IndexErrorCode =
  | 'corrupt' // damaged, or no database at all
  | 'foreign' // a database of another program
  | 'newer' // made by a later isosyncd
  | 'unusable' // cannot be opened: no such directory, no permission, locked by another process

/** The index cannot be used. The text names the file, says what happened and what to do. */
export class IndexError extends Error {
  override readonly name = 'IndexError'
  readonly code: IndexErrorCode
  readonly path: string
  constructor(code: IndexErrorCode, path: string, sentence: string, options?: ErrorOptions) {
    super(`${path}: ${sentence}`, options)
    this.code = code
    this.path = path
  }
}

/** What SQLite threw while the database was opened, in the operator's words. */
export function asIndexError(path: string, error: unknown): unknown {
  if (error instanceof IndexError) return error
  const code = error instanceof Error && 'code' in error ? String(error.code) : ''
  const said = error instanceof Error ? error.message : String(error)
  if (isDamage(error)) return corruptIndex(path, said, error)
  if (code.startsWith('SQLITE_') || error instanceof TypeError) {
    return new IndexError('unusable', path, `the index cannot be opened: ${said}. Nothing is synced until it can`, {
      cause: error,
    })
  }
  return error
}

/** Whether an error from inside a transaction says that the database is damaged. */
export function isDamage(error: unknown): boolean {
  const code = error instanceof Error && 'code' in error ? String(error.code) : ''
  return code === 'SQLITE_NOTADB' || code.startsWith('SQLITE_CORRUPT')
}

/** Whether it says that the disk of the index takes nothing for now; what the transaction was to change is as before. */
export function isUnwritableIndex(error: unknown): boolean {
  const code = error instanceof Error && 'code' in error ? String(error.code) : ''
  return code === 'SQLITE_FULL' || /^SQLITE_(IOERR|READONLY|CANTOPEN)/.test(code)
}

/** Whether its disk had no room, at the start or in a transaction. */
export function isFullIndex(error: unknown): boolean {
  const cause = error instanceof IndexError ? error.cause : error
  return cause instanceof Error && 'code' in cause && cause.code === 'SQLITE_FULL'
}

export function corruptIndex(path: string, said: string, cause?: unknown): IndexError {
  return new IndexError(
    'corrupt',
    path,
    `the index is damaged (${said}). Nothing was touched. Move it away, with its -wal and -shm files, and start again: a new index is made from the files on disk and from the peers, and nothing is deleted`,
    { cause },
  )
}
