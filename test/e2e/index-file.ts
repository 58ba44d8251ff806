/** What stands in the index file of a host: what it would tell others, whatever it says in its log. */
import { copyFileSync, existsSync, mkdtempSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import Database from 'better-sqlite3'
import { type Host } from './cluster.ts'

const TOMBSTONE = 3

/** Paths of which the host knows that they are deleted, sorted. */
export function tombstones(host: Host): readonly string[] {
  using index = open(host)
  const rows = index.db
    .prepare(
      'SELECT directory.path AS dir, record.name FROM record JOIN directory ON directory.id = record.dir WHERE kind = ?',
    )
    .all(TOMBSTONE) as { dir: string; name: string }[]
  return rows.map(({ dir, name }) => (dir === '' ? name : `${dir}/${name}`)).sort()
}

/** Records that the host knows; of some paths there are several, since two hosts said the same on their own. */
export function recordCount(host: Host): number {
  using index = open(host)
  return index.db.prepare('SELECT count(*) FROM record').pluck().get() as number
}

/** A copy: a running host has its index to itself. It must not write to it now. */
function open(host: Host): Disposable & { readonly db: Database.Database } {
  const dir = mkdtempSync(join(host.home, 'index-'))
  for (const file of ['index.db', 'index.db-wal']) {
    const from = join(host.home, 'state', file)
    if (existsSync(from)) copyFileSync(from, join(dir, file))
  }
  const db = new Database(join(dir, 'index.db'))
  const close = () => {
    db.close()
    rmSync(dir, { recursive: true })
  }
  return { db, [Symbol.dispose]: close }
}
