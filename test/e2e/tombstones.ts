/** Tombstones as they stand in the index of a host: what it would tell others, whatever it says in its log. */
import { join } from 'node:path'
import Database from 'better-sqlite3'
import { type Host } from './cluster.ts'

const TOMBSTONE = 3

/** Paths of which the host knows that they are deleted, sorted. It must not run: it has its index to itself. */
export function tombstones(host: Host): readonly string[] {
  using index = open(host)
  const rows = index.db
    .prepare(
      'SELECT directory.path AS dir, record.name FROM record JOIN directory ON directory.id = record.dir WHERE kind = ?',
    )
    .all(TOMBSTONE) as { dir: string; name: string }[]
  return rows.map(({ dir, name }) => (dir === '' ? name : `${dir}/${name}`)).sort()
}

function open(host: Host): Disposable & { readonly db: Database.Database } {
  const db = new Database(join(host.home, 'state', 'index.db'), { readonly: true })
  return { db, [Symbol.dispose]: () => void db.close() }
}
