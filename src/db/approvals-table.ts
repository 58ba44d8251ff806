/** The table `approved`: what the operator has let go in one folder, and has not been carried out. */
import { nameOf, parentOf } from '../sync/path.ts'
import { type Approval } from '../sync/approval.ts'
import { NUMBER, TEXT } from './bound.ts'
import { type DirectoriesTable } from './directories-table.ts'
import { type Connection } from './open-connection.ts'

export class ApprovalsTable {
  readonly #directories: DirectoriesTable
  readonly #get
  readonly #put

  constructor(db: Connection, directories: DirectoriesTable) {
    this.#directories = directories
    this.#get = db
      .prepare<[number, string, string], string>(
        `SELECT which FROM approved WHERE dir = ${NUMBER} AND name = ${TEXT} AND what = ${TEXT}`,
      )
      .pluck()
    this.#put = db.prepare<[number, string, string, string]>(
      'INSERT OR REPLACE INTO approved (dir, name, what, which) VALUES (?, ?, ?, ?)',
    )
  }

  has({ path, what, which }: Approval): boolean {
    const dir = this.#directories.find(parentOf(path))
    return dir !== null && this.#get.get(dir, nameOf(path), what) === which
  }

  put({ path, what, which }: Approval): void {
    this.#put.run(this.#directories.idOf(parentOf(path)), nameOf(path), what, which)
  }
}
