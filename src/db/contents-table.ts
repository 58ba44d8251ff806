/**
 * The tables `content` and `piece`: root hashes and their numbers, piece lists, and where a piece lies. They serve all
 * folders of the host.
 */
import QuickLRU from 'quick-lru'
import { assert } from '../base/assert.ts'
import { type RootHash } from '../base/brand.ts'
import {
  HASH_BYTES,
  packPieceList,
  type PieceList,
  pieceHash,
  pieceOffsets,
  SECTOR_BYTES,
  unpackPieceList,
} from '../sync/piece-list.ts'
import { blobOf, hexOf } from './blob.ts'
import { NUMBER } from './bound.ts'
import { type PiecePlace } from './index-port.ts'
import { type Connection } from './open-connection.ts'

/** A piece lies in few contents, but one of zeros may lie in all of them: a few places are enough to choose from. */
const MAX_PIECE_PLACES = 16

/** The contents that are on their way at a time, with some to spare; at most twice as many: 150 bytes each. */
const LEAST_REMEMBERED = 6_000

/** No row has this number. */
const NONE = 0

interface PlaceRow {
  readonly root: Uint8Array
  readonly size: number
  readonly ordinal: number
  readonly sector: number
  readonly sectors: number
}

export class ContentsTable {
  /** Asked for at each step of a content's way; `NONE` of those that nothing names. */
  readonly #ids = new QuickLRU<RootHash, number>({ maxSize: LEAST_REMEMBERED })
  readonly #find
  readonly #insert
  readonly #insertWhole
  readonly #read
  readonly #complete
  readonly #empty
  readonly #insertPiece
  readonly #deletePiece
  readonly #hasPiece
  readonly #findPiece

  constructor(db: Connection) {
    this.#find = db.prepare<[Uint8Array], number>('SELECT id FROM content WHERE root = ?').pluck()
    this.#insert = db.prepare<[Uint8Array]>('INSERT INTO content (root) VALUES (?)')
    this.#read = db.prepare<[number], { size: number | null; packed: Uint8Array | null }>(
      'SELECT size, packed FROM content WHERE id = ?',
    )
    this.#insertWhole = db.prepare<[Uint8Array, number, Uint8Array]>(
      'INSERT INTO content (root, size, packed) VALUES (?, ?, ?)',
    )
    this.#complete = db.prepare<[number, Uint8Array, number]>(
      'UPDATE content SET size = ?, packed = ? WHERE id = ? AND packed IS NULL',
    )
    this.#empty = db.prepare<[number]>('UPDATE content SET size = NULL, packed = NULL WHERE id = ?')
    this.#insertPiece = db.prepare<[number, number, number, number, number]>(
      'INSERT OR IGNORE INTO piece (prefix, content, ordinal, sector, sectors) VALUES (?, ?, ?, ?, ?)',
    )
    this.#deletePiece = db.prepare<[number, number]>('DELETE FROM piece WHERE prefix = ? AND content = ?')
    this.#hasPiece = db.prepare<[number], number>(`SELECT 1 FROM piece WHERE prefix = ${NUMBER} LIMIT 1`).pluck()
    this.#findPiece = db.prepare<[number, number], PlaceRow>(
      `SELECT c.root, c.size, p.ordinal, p.sector, p.sectors FROM piece p JOIN content c ON c.id = p.content
       WHERE p.prefix = ${NUMBER}
       ORDER BY NOT EXISTS (SELECT 1 FROM entry e WHERE e.content = c.id)
         AND NOT EXISTS (SELECT 1 FROM archived a WHERE a.content = c.id), p.content LIMIT ${NUMBER}`,
    )
  }

  /** The number of a content, or null if nothing names it. */
  find(root: RootHash): number | null {
    let id = this.#ids.get(root)
    if (id === undefined) this.#ids.set(root, (id = this.#find.get(blobOf(root)) ?? NONE))
    return id === NONE ? null : id
  }

  /** Rows have gone: by a rollback, or as garbage. */
  rowsWent(): void {
    this.#ids.clear()
  }

  /** The number of a content, given it now if it has none. */
  idOf(root: RootHash): number {
    const known = this.find(root)
    if (known !== null) return known
    const made = Number(this.#insert.run(blobOf(root)).lastInsertRowid)
    this.#ids.set(root, made)
    return made
  }

  idOrNull(root: RootHash | null): number | null {
    return root === null ? null : this.idOf(root)
  }

  pieceList(root: RootHash): PieceList | null {
    const id = this.find(root)
    return id === null ? null : this.#readList(id)
  }

  #readList(id: number): PieceList | null {
    const row = this.#read.get(id)
    if (row === undefined || row.size === null || row.packed === null) return null
    const list = unpackPieceList(row.size, row.packed)
    if (typeof list === 'string') throw new Error(`a piece list in the index is damaged: ${list}`)
    return list
  }

  /** Keeps a piece list and makes its pieces findable. One that is there already stays. */
  store(root: RootHash, list: PieceList): void {
    const id = this.#storeList(root, list)
    if (id === null) return
    const offsets = pieceOffsets(list)
    for (const ordinal of byPrefix(list)) {
      const sector = (offsets[ordinal] ?? 0) / SECTOR_BYTES
      const sectors = Math.ceil((offsets[ordinal + 1] ?? 0) / SECTOR_BYTES) - sector
      this.#insertPiece.run(piecePrefix(pieceHash(list, ordinal)), id, ordinal, sector, sectors)
    }
  }

  /** The number of the content, or null if its list was there already. */
  #storeList(root: RootHash, list: PieceList): number | null {
    const known = this.find(root)
    const packed = packPieceList(list)
    if (known !== null) return this.#complete.run(list.size, packed, known).changes === 0 ? null : known
    const made = Number(this.#insertWhole.run(blobOf(root), list.size, packed).lastInsertRowid)
    this.#ids.set(root, made)
    return made
  }

  /** Forgets a piece list and its pieces; the content keeps its number. */
  dropList(id: number): void {
    const list = this.#readList(id)
    if (list === null) return
    for (let i = 0; i < list.count; i++) this.#deletePiece.run(piecePrefix(pieceHash(list, i)), id)
    this.#empty.run(id)
  }

  /** Where a piece may lie; places that some file or archived file holds come first. */
  findPiece(hash: Uint8Array): readonly PiecePlace[] {
    const prefix = piecePrefix(hash)
    if (this.#hasPiece.get(prefix) === undefined) return [] // of a new image that is the most common answer: 4 times faster
    return this.#findPiece.all(prefix, MAX_PIECE_PLACES).map((row) => {
      const offset = row.sector * SECTOR_BYTES
      const length = Math.min(row.sectors * SECTOR_BYTES, row.size - offset)
      return { root: hexOf<RootHash>(row.root), ordinal: row.ordinal, offset, length }
    })
  }
}

/** Ordinals in the order of the index: rows that go in sorted fill its pages and touch each only once. */
function byPrefix(list: PieceList): readonly number[] {
  const prefixes = new Float64Array(list.count)
  for (let i = 0; i < list.count; i++) prefixes[i] = piecePrefix(pieceHash(list, i))
  const ordinals = Array.from(prefixes.keys())
  return ordinals.sort((a, b) => (prefixes[a] ?? 0) - (prefixes[b] ?? 0) || a - b)
}

/** The first 48 bits of a hash, as a number. */
export function piecePrefix(hash: Uint8Array): number {
  assert(hash.byteLength === HASH_BYTES, `a piece hash has ${hash.byteLength} bytes`)
  const view = new DataView(hash.buffer, hash.byteOffset, hash.byteLength)
  return view.getUint32(0) * 0x1_0000 + view.getUint16(4)
}
