/** A look at an index that no daemon has open, for `doctor`: changes nothing in it. */
import Database from 'better-sqlite3'
import { type ReplicaId } from '../base/brand.ts'
import { hexOf } from './blob.ts'
import { isUnwritableIndex } from './index-error.ts'
import { quickCheck } from './open-connection.ts'

export interface ExaminedIndex {
  /** What is damaged, in SQLite's words; empty when all is well. */
  readonly damage: readonly string[]
  /** Why it could not be looked at: its disk has no room for what SQLite keeps beside it; null: it could. */
  readonly unseen: string | null
  /** Null where it cannot be told. */
  readonly replica: ReplicaId | null
  /** Folders, by id, of which it knows something that lies on this host, or lay there. */
  readonly known: ReadonlySet<string>
}

export function examineIndex(path: string): ExaminedIndex {
  try {
    const db = new Database(path, { readonly: true, fileMustExist: true })
    try {
      const damage = quickCheck(db)
      const replica = db.prepare<[], Uint8Array>('SELECT replica FROM meta').pluck().get()
      const known = db
        .prepare<[], Uint8Array>(
          `SELECT folder FROM folder
           WHERE id IN (SELECT d.folder FROM directory d JOIN entry e ON e.dir = d.id)${orMarked(db)}`,
        )
        .pluck()
        .all()
      return {
        damage,
        unseen: null,
        replica: replica === undefined ? null : hexOf<ReplicaId>(replica),
        known: new Set(known.map((id) => hexOf(id))),
      }
    } finally {
      db.close()
    }
  } catch (error) {
    const said = error instanceof Error ? error.message : String(error)
    const isUnseen = isUnwritableIndex(error)
    return { damage: isUnseen ? [] : [said], unseen: isUnseen ? said : null, replica: null, known: new Set() }
  }
}

/** An index that was last opened by an older isosyncd does not say it. */
function orMarked(db: Database.Database): string {
  const columns = db.prepare<[], string>("SELECT name FROM pragma_table_info('folder')").pluck().all()
  return columns.includes('is_marked') ? ' OR is_marked = 1' : ''
}
