/**
 * Reads pieces of contents that lie whole on this host, in the tree or the archive, and checks each against its
 * hash: what has rotted or changed since it was indexed is never handed out.
 */
import { LRUCache } from 'lru-cache'
import { blake3 } from '../base/blake3.ts'
import { type RootHash } from '../base/brand.ts'
import { type Clock } from '../base/clock.ts'
import { type ContentPlace, type FolderIndex } from '../db/index-port.ts'
import { type OpenFile } from '../fs/root.ts'
import { sameStat, type Stat } from '../sync/entry.ts'

/** Files kept open between pieces. More would only help more transfers at a time than there ever are. */
const MOST_OPEN_FILES = 64
/** An open file keeps a deleted image's blocks from being freed: not for long. */
const OPEN_FOR_MS = 10_000

interface Opened {
  readonly place: ContentPlace
  readonly file: OpenFile
  users: number
  closing: boolean
}

interface Opening {
  readonly opened: Promise<Opened | null>
  usedMs: number
}

export interface ContentReaderNeeds {
  readonly index: Pick<FolderIndex, 'placesOf'>
  /** Opens a place in this or another folder of this host. */
  readonly openPlace: (place: ContentPlace) => Promise<OpenFile>
  /** What lies there is not what the index says: it may have rotted. */
  readonly suspect: (place: ContentPlace) => void
  readonly clock: Pick<Clock, 'after' | 'elapsed'>
}

export class ContentReader {
  readonly #needs: ContentReaderNeeds
  readonly #open = new LRUCache<RootHash, Opening>({
    max: MOST_OPEN_FILES,
    dispose: ({ opened }) => void opened.then((opened) => opened && release(opened, true)),
  })
  #cancelPurge: (() => void) | null = null

  constructor(needs: ContentReaderNeeds) {
    this.#needs = needs
  }

  /** Fills `into` with the bytes at `offset`; true if they have this BLAKE3 hash, false if they cannot be had. */
  async read(root: RootHash, offset: number, hash: Uint8Array, into: Uint8Array): Promise<boolean> {
    const opened = await this.#opened(root)
    if (opened === null || opened.closing) return false
    opened.users++
    try {
      if (await holds(opened.file, offset, hash, into)) return true
    } finally {
      opened.users--
      if (opened.closing) release(opened, true)
    }
    this.#open.delete(root)
    this.#needs.suspect(opened.place)
    return await this.#readElsewhere(root, opened.place, offset, hash, into)
  }

  /** Gives `use` a file that has this content, open until it is done; null if there is none. Its bytes are not checked. */
  async lend<T>(root: RootHash, use: (file: OpenFile) => Promise<T>): Promise<T | null> {
    const opened = await this.#opened(root)
    if (opened === null || opened.closing) return null
    opened.users++
    try {
      return await use(opened.file)
    } finally {
      opened.users--
      if (opened.closing) release(opened, true)
    }
  }

  /** Closes all files. */
  close(): void {
    this.#cancelPurge?.()
    this.#cancelPurge = null
    this.#open.clear()
  }

  /** One place has rotted, or is being changed: another copy on this host may do. */
  async #readElsewhere(
    root: RootHash,
    not: ContentPlace,
    offset: number,
    hash: Uint8Array,
    into: Uint8Array,
  ): Promise<boolean> {
    for (const place of this.#needs.index.placesOf(root)) {
      const file = isSamePlace(place, not) ? null : await this.#openPlace(place)
      if (file === null) continue
      const isRight = await holds(file, offset, hash, into)
      await file.close().catch(() => undefined)
      if (isRight) return true
    }
    return false
  }

  #opened(root: RootHash): Promise<Opened | null> {
    const known = this.#open.get(root)
    const nowMs = this.#needs.clock.elapsed()
    if (known !== undefined) {
      known.usedMs = nowMs
      return known.opened
    }
    const opening: Opening = { opened: this.#openFirst(root), usedMs: nowMs }
    this.#open.set(root, opening)
    this.#cancelPurge ??= this.#needs.clock.after(OPEN_FOR_MS, () => this.#purge())
    // What cannot be opened now may be there in a moment: it is being received.
    void opening.opened.then((opened) => opened === null && this.#open.get(root) === opening && this.#open.delete(root))
    return opening.opened
  }

  /** Closes what nobody has read for a while. Through the clock, not the cache's own timers: those know no virtual time. */
  #purge(): void {
    const nowMs = this.#needs.clock.elapsed()
    for (const [root, { usedMs }] of [...this.#open.entries()])
      if (nowMs - usedMs >= OPEN_FOR_MS) this.#open.delete(root)
    this.#cancelPurge = this.#open.size === 0 ? null : this.#needs.clock.after(OPEN_FOR_MS / 2, () => this.#purge())
  }

  async #openFirst(root: RootHash): Promise<Opened | null> {
    for (const place of this.#needs.index.placesOf(root)) {
      const file = await this.#openPlace(place)
      if (file !== null) return { place, file, users: 0, closing: false }
    }
    return null
  }

  /** Null where the disk does not show what the index knows. */
  async #openPlace(place: ContentPlace): Promise<OpenFile | null> {
    const file = await this.#needs.openPlace(place).catch(() => null)
    if (file === null) return null
    const stat = await file.stat().catch(() => null)
    if (stat !== null && (place.in === 'archive' || isAsIndexed(place.entry, stat))) return file
    await file.close()
    return null
  }
}

function isAsIndexed(entry: Omit<Stat, 'kind'>, stat: Stat): boolean {
  return sameStat({ ...entry, kind: 'file' }, stat)
}

/** True if `into` now holds the bytes with that hash. */
export async function holds(
  file: Pick<OpenFile, 'read'>,
  offset: number,
  hash: Uint8Array,
  into: Uint8Array,
): Promise<boolean> {
  try {
    return (await file.read(into, offset)) === into.byteLength && blake3(into).equals(hash)
  } catch {
    return false
  }
}

function isSamePlace(a: ContentPlace, b: ContentPlace): boolean {
  if (a.folder !== b.folder) return false
  if (a.in === 'archive') return b.in === 'archive' && a.name === b.name
  return b.in === 'tree' && a.entry.path === b.entry.path
}

/** Closes when nobody reads any more. */
function release(opened: Opened, closing: boolean): void {
  opened.closing = closing
  if (opened.users === 0) void opened.file.close().catch(() => undefined)
}
