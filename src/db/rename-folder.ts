/**
 * A folder gets a new secret, and with it a new id: what the index knows of it is kept under the new one. In one
 * transaction with the signatures, which are made anew where this host can; else all records are asked for again.
 */
import { type FolderId } from '../base/brand.ts'
import { type SignedRecord } from '../sync/record.ts'
import { blobOf } from './blob.ts'
import { type FolderIndex } from './index-port.ts'
import { type Connection } from './open-connection.ts'
import { SEQUENCES_PER_FOLDER } from './sequences.ts'

/** Records held at a time. */
const PAGE = 1_000

export interface RenameFolder {
  readonly from: FolderId
  readonly to: FolderId
  /** Null with a read-only secret. */
  readonly sign: ((record: SignedRecord) => Uint8Array) | null
}

/** True if there was something to rename. `open` gives the index of a folder. */
export function renameFolder(
  db: Connection,
  { from, to, sign }: RenameFolder,
  open: (id: FolderId) => FolderIndex,
): boolean {
  const numberOf = db.prepare<[Uint8Array], number>('SELECT id FROM folder WHERE folder = ?').pluck()
  const number = numberOf.get(blobOf(from))
  if (number === undefined || numberOf.get(blobOf(to)) !== undefined) return false
  db.transaction(() => {
    db.prepare('UPDATE folder SET folder = ? WHERE id = ?').run(blobOf(to), number)
    if (sign === null) db.prepare('UPDATE peer SET received = 0 WHERE folder = ?').run(number)
    else signAll(db, number, open(to), sign)
  })()
  return true
}

function signAll(db: Connection, number: number, index: FolderIndex, sign: (record: SignedRecord) => Uint8Array): void {
  const update = db.prepare<[Uint8Array, number]>('UPDATE record SET signature = ? WHERE id = ?')
  for (let after = 0; ;) {
    const page = index.recordsAfter(after, PAGE)
    for (const { sequence, record } of page) update.run(sign(record), number * SEQUENCES_PER_FOLDER + sequence)
    const last = page.at(-1)
    if (last === undefined) return
    after = last.sequence
  }
}
