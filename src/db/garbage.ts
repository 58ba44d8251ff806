/**
 * Forgets what nothing needs any more: piece lists of contents that no entry, archived file or live record names, root
 * hashes that no row names, directories without rows. Never touches a file.
 */
import { type RootHash } from '../base/brand.ts'
import { PACKED_PIECE_BYTES } from '../sync/piece-list.ts'
import { hexOf } from './blob.ts'
import { type ContentsTable } from './contents-table.ts'
import { type Connection } from './open-connection.ts'

const HELD = `SELECT content FROM entry WHERE content IS NOT NULL UNION ALL SELECT content FROM archived
  UNION ALL SELECT content FROM record WHERE content IS NOT NULL`

/** Pieces that one step forgets: some 0.2 s of work. */
const MAX_PIECES_PER_STEP = 100_000

/**
 * One step, one transaction: drops piece lists that are no longer needed, except those of `keep` (transfers under
 * way), and returns how many. Call it again, at leisure, until it returns 0.
 */
export function collectGarbage(db: Connection, contents: ContentsTable, keep: ReadonlySet<RootHash>): number {
  return db
    .transaction(() => {
      const dead = unneededLists(db).filter(({ root }) => !keep.has(hexOf<RootHash>(root)))
      let pieces = 0
      let dropped = 0
      for (const { id, bytes } of dead) {
        contents.dropList(id)
        dropped++
        pieces += bytes / PACKED_PIECE_BYTES
        if (pieces >= MAX_PIECES_PER_STEP) return dropped
      }
      dropUnnamed(db)
      return dropped
    })
    .immediate()
}

function unneededLists(db: Connection): readonly { id: number; root: Uint8Array; bytes: number }[] {
  return db
    .prepare<[], { id: number; root: Uint8Array; bytes: number }>(
      `SELECT id, root, length(packed) AS bytes FROM content WHERE packed IS NOT NULL AND id NOT IN (${HELD})`,
    )
    .all()
}

function dropUnnamed(db: Connection): void {
  db.prepare(
    `DELETE FROM content WHERE packed IS NULL AND id NOT IN (${HELD})
       AND id NOT IN (SELECT previous FROM record WHERE previous IS NOT NULL)`,
  ).run()
  db.prepare(
    'DELETE FROM directory WHERE id NOT IN (SELECT dir FROM entry UNION ALL SELECT dir FROM record UNION ALL SELECT dir FROM approved)',
  ).run()
}
