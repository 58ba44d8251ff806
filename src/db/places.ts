/** Where on this host a content lies whole, over all folders: in a tree or in an archive. */
import { type DirPath, type FolderId, type RootHash } from '../base/brand.ts'
import { blobOf, hexOf } from './blob.ts'
import { BYTES } from './bound.ts'
import { type EntryRow, ENTRY_COLUMNS, fileEntryOf } from './entries-table.ts'
import { type ContentPlace } from './index-port.ts'
import { type Connection } from './open-connection.ts'

export function preparePlaces(db: Connection): (root: RootHash) => readonly ContentPlace[] {
  const inTree = db.prepare<[Uint8Array], EntryRow & { folder: Uint8Array; dir: DirPath }>(
    `SELECT f.folder, d.path AS dir, ${ENTRY_COLUMNS} FROM content c JOIN entry e ON e.content = c.id
       JOIN directory d ON d.id = e.dir JOIN folder f ON f.id = d.folder WHERE c.root = ${BYTES} ORDER BY f.id, d.path, e.name`,
  )
  const inArchive = db.prepare<[Uint8Array], { folder: Uint8Array; name: string }>(
    `SELECT f.folder, a.name FROM content c JOIN archived a ON a.content = c.id JOIN folder f ON f.id = a.folder
       WHERE c.root = ${BYTES} ORDER BY f.id, a.name`,
  )
  return (root) => {
    const blob = blobOf(root)
    return [
      ...inTree.all(blob).map((row): ContentPlace => {
        return { in: 'tree', folder: hexOf<FolderId>(row.folder), entry: fileEntryOf(row.dir, row) }
      }),
      ...inArchive.all(blob).map((row): ContentPlace => {
        return { in: 'archive', folder: hexOf<FolderId>(row.folder), name: row.name }
      }),
    ]
  }
}
