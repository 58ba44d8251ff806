/** The index database of a host: opened, brought up to date, and handed out folder by folder. */
import { randomBytes } from 'node:crypto'
import { type FolderId, type ReplicaId, type RootHash } from '../base/brand.ts'
import { type Log, silentLog } from '../base/log.ts'
import { hexOf } from './blob.ts'
import { ContentsTable } from './contents-table.ts'
import { SqliteFolderIndex } from './folder-index.ts'
import { renameFolder, type RenameFolder } from './rename-folder.ts'
import { collectGarbage } from './garbage.ts'
import { asIndexError } from './index-error.ts'
import { type FolderIndex } from './index-port.ts'
import { type Connection, openConnection, quickCheck } from './open-connection.ts'
import { bringUpToDate, type Migration, MIGRATIONS } from './open-schema.ts'
import { preparePlaces } from './places.ts'

export interface IndexDatabase {
  /** This index's own id: random, made with it. */
  readonly replica: ReplicaId
  /** True when this call made the index: nothing is known of any folder yet. */
  readonly isNew: boolean
  /** Keeps a folder under a new id; false if there is nothing to keep. Before `folder` is called for either. */
  renameFolder(rename: RenameFolder): boolean
  /** The index of a folder; the same object for the same id. */
  folder(id: FolderId): FolderIndex
  /** What is damaged, in SQLite's words; empty when all is well. Reads the whole file: after an unclean stop only. */
  quickCheck(): readonly string[]
  /**
   * Forgets piece lists that no entry, archived file or live record names, except `keep` (transfers under way). Does a
   * bounded part of the work and returns how many lists went: call it again, at leisure, until it returns 0.
   */
  collectGarbage(keep: ReadonlySet<RootHash>): number
  /** Bytes of the database file, without its write-ahead log. */
  bytes(): number
  /** Folds the write-ahead log into the file and closes it. Nothing may be called afterwards. */
  close(): void
}

export interface IndexNeeds {
  /** Chance: the replica id of a new index. */
  readonly randomBytes?: (count: number) => Uint8Array
  readonly log?: Log
}

export interface IndexOptions {
  /** For tests of migrations only. */
  readonly migrations?: readonly Migration[]
}

/**
 * Opens, or makes, the index at `path`, or ':memory:'. Throws IndexError: damaged, of another program, made by a later
 * isosyncd, or not to be opened at all.
 */
export function openIndexDatabase(path: string, needs: IndexNeeds = {}, options: IndexOptions = {}): IndexDatabase {
  const { db, isNew } = openConnection(path)
  try {
    const drawReplica = () => (needs.randomBytes ?? randomBytes)(8)
    const onBackup = (copy: string) =>
      (needs.log ?? silentLog).info({ copy }, 'The index is brought to a newer version; a copy was kept')
    bringUpToDate(db, path, { drawReplica, onBackup }, options.migrations ?? MIGRATIONS)
    return indexDatabase(db, isNew)
  } catch (error) {
    db.close()
    throw asIndexError(path, error)
  }
}

function indexDatabase(db: Connection, isNew: boolean): IndexDatabase {
  const replica = hexOf<ReplicaId>(
    db.prepare<[], Uint8Array>('SELECT replica FROM meta').pluck().get() ?? new Uint8Array(0),
  )
  const contents = new ContentsTable(db)
  const placesOf = preparePlaces(db)
  const folders = new Map<FolderId, SqliteFolderIndex>()
  const rowsWent = () => {
    contents.rowsWent()
    for (const index of folders.values()) index.rowsWent()
  }
  const folder = (id: FolderId) => {
    const known = folders.get(id) ?? new SqliteFolderIndex(id, { db, replica, contents, placesOf, undone: rowsWent })
    folders.set(id, known)
    return known
  }
  return {
    replica,
    isNew,
    folder,
    renameFolder: (rename) => renameFolder(db, rename, folder),
    quickCheck: () => quickCheck(db),
    collectGarbage: (keep) => {
      const dropped = collectGarbage(db, contents, keep)
      rowsWent()
      return dropped
    },
    bytes: () => Number(db.pragma('page_count', { simple: true })) * Number(db.pragma('page_size', { simple: true })),
    close: () => void db.close(),
  }
}
