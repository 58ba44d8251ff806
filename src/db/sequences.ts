/**
 * The numbering of one folder's records. Each of many small files takes a number, and then asks how far it has come: so
 * it is counted here, and written with the transaction in which the numbers are given.
 */
import { assert } from '../base/assert.ts'
import { type Connection } from './open-connection.ts'

/** `record.id` = folder * this + sequence. 2^40 sequences a folder, 8,191 folders: ids stay below 2^53. */
export const SEQUENCES_PER_FOLDER = 2 ** 40

export class Sequences {
  readonly #folder: number
  readonly #read
  readonly #write
  #last: number | null = null
  #isWritten = true

  constructor(db: Connection, folder: number) {
    this.#folder = folder
    this.#read = db.prepare<[number], number>('SELECT last_sequence FROM folder WHERE id = ?').pluck()
    this.#write = db.prepare<[number, number]>('UPDATE folder SET last_sequence = ? WHERE id = ?')
  }

  last(): number {
    return (this.#last ??= this.#read.get(this.#folder) ?? 0)
  }

  /** One more than ever before. To be called in a transaction that ends with `write`. */
  next(): number {
    const next = this.last() + 1
    assert(next < SEQUENCES_PER_FOLDER, 'a folder has no next sequence')
    this.#last = next
    this.#isWritten = false
    return next
  }

  write(): void {
    if (!this.#isWritten) this.#write.run(this.last(), this.#folder)
    this.#isWritten = true
  }

  /** A transaction has been undone, and with it the numbers given in it. */
  undone(): void {
    this.#last = null
    this.#isWritten = true
  }
}
