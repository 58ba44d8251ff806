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
  readonly #before
  readonly #used
  readonly #put
  readonly #delete

  constructor(db: Connection, folder: number, contents: ContentsTable) {
    this.#folder = folder
    this.#contents = contents
    const select = `SELECT a.name, a.path, c.root, a.size, a.reason, a.archived_ms AS archivedMs
       FROM archived a JOIN content c ON c.id = a.content WHERE a.folder = ${NUMBER}`
    this.#all = db.prepare<[number], ArchivedRow>(`${select} ORDER BY a.name`)
    this.#before = db.prepare<[number, number], ArchivedRow>(`${select} AND a.used_ms < ${NUMBER} ORDER BY a.name`)
    this.#used = {
      get: db.prepare<[number], number>(`SELECT used_ms FROM folder WHERE id = ?`).pluck(),
      set: db.prepare<[number, number]>('UPDATE folder SET used_ms = ? WHERE id = ?'),
    }
    this.#put = db.prepare<[number, string, string, number, number, string, number, number]>(
      `INSERT OR REPLACE INTO archived (folder, name, path, content, size, reason, archived_ms, used_ms)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
    )
    this.#delete = db.prepare<[number, string]>('DELETE FROM archived WHERE folder = ? AND name = ?')
  }

  all(): readonly ArchivedContent[] {
    return this.#all.all(this.#folder).map(contentOf)
  }

  before(usedMs: number): readonly ArchivedContent[] {
    return this.#before.all(this.#folder, usedMs).map(contentOf)
  }

  usedMs(): number {
    return this.#used.get.get(this.#folder) ?? 0
  }

  setUsed(ms: number): void {
    this.#used.set.run(ms, this.#folder)
  }

  put(file: ArchivedContent): void {
    const content = this.#contents.idOf(file.root)
    this.#put.run(this.#folder, file.name, file.path, content, file.size, file.reason, file.archivedMs, this.usedMs())
  }

  forget(name: string): void {
    this.#delete.run(this.#folder, name)
  }
}

function contentOf(row: ArchivedRow): ArchivedContent {
  return { ...row, root: hexOf<RootHash>(row.root) }
}
