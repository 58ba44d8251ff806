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
      if ((await opened.file.read(into, offset)) < into.byteLength) return this.#forget(root)
      return blake3(into).equals(hash) || this.#forget(root)
    } catch {
      return this.#forget(root)
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

  #forget(root: RootHash): false {
    this.#open.delete(root)
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
      const file = await this.#needs.openPlace(place).catch(() => null)
      if (file === null) continue
      const stat = await file.stat().catch(() => null)
      if (stat !== null && (place.in === 'archive' || isAsIndexed(place.entry, stat)))
        return { file, users: 0, closing: false }
      await file.close()
    }
    return null
  }
}

function isAsIndexed(entry: Omit<Stat, 'kind'>, stat: Stat): boolean {
  return sameStat({ ...entry, kind: 'file' }, stat)
}

/** Closes when nobody reads any more. */
function release(opened: Opened, closing: boolean): void {
  opened.closing = closing
  if (opened.users === 0) void opened.file.close().catch(() => undefined)
}
