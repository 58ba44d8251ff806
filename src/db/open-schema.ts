/**
 * Brings a database to the schema that this program speaks: a new one gets schema.sql, an older one the migrations it
 * lacks (after a copy was put beside it), a newer one is refused.
 */
import { readFileSync, renameSync, rmSync } from 'node:fs'
import { dirname } from 'node:path'
import { syncPath } from '../base/sync-path.ts'
import { IndexError } from './index-error.ts'
import { type Connection } from './open-connection.ts'

/** Brings a database from version i + 1 to i + 2, where i is its place in the list. Never changed once released. */
export type Migration = (db: Connection) => void

/** schema.sql is the last version. A change goes into schema.sql and, as a migration, to the end of this list. */
export const MIGRATIONS: readonly Migration[] = [
  scrubbing,
  earlierContents,
  markedRoots,
  timeKept,
  approvals,
  unknownReasons,
]

/** To 2: when each file was last found right, rounds, and rotten files. Adding columns touches no row. */
function scrubbing(db: Connection): void {
  db.exec(`
    ALTER TABLE folder ADD COLUMN scrub_began_ms REAL;
    ALTER TABLE folder ADD COLUMN scrub_ended_ms REAL;
    ALTER TABLE entry ADD COLUMN verified_s INTEGER;
    CREATE TABLE rotten (
      dir        INTEGER NOT NULL REFERENCES directory (id),
      name       TEXT NOT NULL,
      bad_pieces INTEGER NOT NULL,
      pieces     INTEGER NOT NULL,
      found_ms   REAL NOT NULL,
      PRIMARY KEY (dir, name)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE archived_2 (
      folder      INTEGER NOT NULL REFERENCES folder (id),
      name        TEXT NOT NULL,
      path        TEXT NOT NULL,
      content     INTEGER NOT NULL,
      size        INTEGER NOT NULL,
      reason      TEXT NOT NULL CHECK (reason IN ('deleted', 'replaced', 'conflict', 'rotten')),
      archived_ms REAL NOT NULL,
      PRIMARY KEY (folder, name)
    ) STRICT, WITHOUT ROWID;
    INSERT INTO archived_2 SELECT folder, name, path, content, size, reason, archived_ms FROM archived;
    DROP TABLE archived;
    ALTER TABLE archived_2 RENAME TO archived;
    CREATE INDEX archived_content ON archived (content);
    CREATE TRIGGER entry_content_changed AFTER UPDATE OF content ON entry WHEN NEW.content IS NOT OLD.content BEGIN
      UPDATE entry SET verified_s = NULL WHERE dir = NEW.dir AND name = NEW.name AND verified_s IS NOT NULL;
    END;
    CREATE TRIGGER rotten_ended AFTER UPDATE OF content, version ON entry
    WHEN NEW.content IS NOT OLD.content OR NEW.version IS NOT OLD.version BEGIN
      DELETE FROM rotten WHERE dir = NEW.dir AND name = NEW.name;
    END;
    CREATE TRIGGER rotten_went AFTER DELETE ON entry BEGIN
      DELETE FROM rotten WHERE dir = OLD.dir AND name = OLD.name;
    END;`)
}

/** To 3: what paths held before what a record replaces. */
function earlierContents(db: Connection): void {
  db.exec('ALTER TABLE record ADD COLUMN earlier BLOB')
}

/** To 4: whether the root has been marked. Where it was, the next look at it says so. */
function markedRoots(db: Connection): void {
  db.exec('ALTER TABLE folder ADD COLUMN is_marked INTEGER NOT NULL DEFAULT 0')
}

/** To 5: for how long what lies in the archive has been kept. What lies there already is kept for its whole time once more. */
function timeKept(db: Connection): void {
  db.exec(`
    ALTER TABLE folder ADD COLUMN used_ms REAL NOT NULL DEFAULT 0;
    ALTER TABLE archived ADD COLUMN used_ms REAL NOT NULL DEFAULT 0;`)
}

/** To 6: what the operator has let go and has not been carried out. */
function approvals(db: Connection): void {
  db.exec(`
    CREATE TABLE approved (
      dir   INTEGER NOT NULL REFERENCES directory (id),
      name  TEXT NOT NULL,
      what  TEXT NOT NULL CHECK (what IN ('length', 'content', 'records')),
      which TEXT NOT NULL,
      PRIMARY KEY (dir, name, what)
    ) STRICT, WITHOUT ROWID;
    CREATE TRIGGER approved_came AFTER INSERT ON entry BEGIN
      DELETE FROM approved WHERE dir = NEW.dir AND name = NEW.name;
    END;
    CREATE TRIGGER approved_done AFTER UPDATE OF version ON entry WHEN NEW.version IS NOT OLD.version BEGIN
      DELETE FROM approved WHERE dir = NEW.dir AND name = NEW.name;
    END;`)
}

/** To 7: files in the archive of which a new index does not know why they are there. */
function unknownReasons(db: Connection): void {
  db.exec(`
    CREATE TABLE archived_7 (
      folder      INTEGER NOT NULL REFERENCES folder (id),
      name        TEXT NOT NULL,
      path        TEXT NOT NULL,
      content     INTEGER NOT NULL,
      size        INTEGER NOT NULL,
      reason      TEXT NOT NULL CHECK (reason IN ('deleted', 'replaced', 'conflict', 'rotten', 'unknown')),
      archived_ms REAL NOT NULL,
      used_ms     REAL NOT NULL DEFAULT 0,
      PRIMARY KEY (folder, name)
    ) STRICT, WITHOUT ROWID;
    INSERT INTO archived_7 SELECT folder, name, path, content, size, reason, archived_ms, used_ms FROM archived;
    DROP TABLE archived;
    ALTER TABLE archived_7 RENAME TO archived;
    CREATE INDEX archived_content ON archived (content);`)
}

/** `replica` is drawn for a new database only. `onBackup` is told where the copy is. Throws IndexError. */
export function bringUpToDate(
  db: Connection,
  path: string,
  needs: { readonly drawReplica: () => Uint8Array; readonly onBackup: (copy: string) => void },
  migrations: readonly Migration[],
): void {
  const wanted = migrations.length + 1
  const found = db.pragma('user_version', { simple: true }) as number
  if (found === 0) createSchema(db, wanted, needs.drawReplica())
  else if (found > wanted) throw newerIndex(path, found, wanted)
  else if (found < wanted) {
    if (!db.memory) needs.onBackup(backUp(db, path, found))
    migrate(db, found, migrations)
  }
}

function createSchema(db: Connection, version: number, replica: Uint8Array): void {
  const schema = readFileSync(new URL('schema.sql', import.meta.url), 'utf8')
  db.transaction(() => {
    db.exec(schema)
    db.prepare('INSERT INTO meta (only, replica) VALUES (1, ?)').run(replica)
    db.pragma(`user_version = ${version}`)
  }).immediate()
}

function newerIndex(path: string, found: number, wanted: number): IndexError {
  return new IndexError(
    'newer',
    path,
    `this index has version ${found}, made by a later isosyncd; this one knows versions up to ${wanted}. Nothing was touched. Install the later isosyncd again, or put back the copy made before the upgrade (${path}.v${wanted}.bak)`,
  )
}

/** Each migration is one transaction with its version number: a crash between two leaves a whole version. */
function migrate(db: Connection, found: number, migrations: readonly Migration[]): void {
  db.pragma('foreign_keys = OFF') // so that a table may be made anew and renamed
  for (let version = found; version <= migrations.length; version++) {
    db.transaction(() => {
      migrations[version - 1]?.(db)
      db.pragma(`user_version = ${version + 1}`)
    }).immediate()
  }
  db.pragma('foreign_keys = ON')
}

/** Copies the whole database to `<path>.v<version>.bak`, which is either whole and durable or not there. */
function backUp(db: Connection, path: string, version: number): string {
  const copy = `${path}.v${version}.bak`
  const growing = `${copy}.tmp`
  rmSync(growing, { force: true })
  db.prepare('VACUUM INTO ?').run(growing)
  syncPath(growing)
  renameSync(growing, copy)
  syncPath(dirname(copy))
  return copy
}
