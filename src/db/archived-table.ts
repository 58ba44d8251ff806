/** The table `archived`: the files in the archive of one folder. */
import { type RootHash } from '../base/brand.ts'
import { hexOf } from './blob.ts'
import { NUMBER } from './bound.ts'
import { type ContentsTable } from './contents-table.ts'
import { type ArchivedContent } from './index-port.ts'
import { type Connection } from './open-connection.ts'

interface ArchivedRow extends Omit<ArchivedContent, 'root'> {
  readonly root: Uint8Array
}

export class ArchivedTable {
  readonly #folder: number
  readonly #contents: ContentsTable
  readonly #all
  readonly #put
  readonly #delete

  constructor(db: Connection, folder: number, contents: ContentsTable) {
    this.#folder = folder
    this.#contents = contents
    this.#all = db.prepare<[number], ArchivedRow>(
      `SELECT a.name, a.path, c.root, a.size, a.reason, a.archived_ms AS archivedMs
       FROM archived a JOIN content c ON c.id = a.content WHERE a.folder = ${NUMBER} ORDER BY a.name`,
    )
    this.#put = db.prepare<[number, string, string, number, number, string, number]>(
      `INSERT OR REPLACE INTO archived (folder, name, path, content, size, reason, archived_ms) VALUES (?, ?, ?, ?, ?, ?, ?)`,
    )
    this.#delete = db.prepare<[number, string]>('DELETE FROM archived WHERE folder = ? AND name = ?')
  }

  all(): readonly ArchivedContent[] {
    return this.#all.all(this.#folder).map((row) => ({ ...row, root: hexOf<RootHash>(row.root) }))
  }

  put(file: ArchivedContent): void {
    const content = this.#contents.idOf(file.root)
    this.#put.run(this.#folder, file.name, file.path, content, file.size, file.reason, file.archivedMs)
  }

  forget(name: string): void {
    this.#delete.run(this.#folder, name)
  }
}
