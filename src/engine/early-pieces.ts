/**
 * Fetches files that other hosts are still hashing, stretch by stretch (sync/stretch.ts), each file into one of its own
 * in staging. When a file's record has come, the transfer of its content goes on with that.
 *
 * Whether there will be a record is a guess: so nothing is fetched early whose path is known here, or of which some
 * lies here already, and all that has been announced goes before it. What no record follows is dropped.
 */
import { blake3 } from '../base/blake3.ts'
import { fromHex, type RelPath, type RootHash } from '../base/brand.ts'
import { type Clock } from '../base/clock.ts'
import { type Log } from '../base/log.ts'
import { Lookout } from '../base/lookout.ts'
import { type FolderIndex } from '../db/index-port.ts'
import { FsError, type Root, type StagedFile } from '../fs/root.ts'
import { type Peer } from '../net/peer-port.ts'
import { pieceHash, type PieceList } from '../sync/piece-list.ts'
import { type Stretch, stretchName } from '../sync/stretch.ts'
import { isZeroPiece } from '../sync/zero.ts'
import { type Downloader } from './downloader.ts'
import { EarlyFile } from './early-file.ts'
import { type Growing } from './piece-server.ts'
import { type Adopted } from './transfer.ts'

/** Behind all that has been announced with the same priority. */
const BEHIND = 0.5
/** Of all files together: 128 GB, and some 40 MB of memory. */
const MOST_STRETCHES = 4_096
/** Of a stretch so many pieces are looked for on this host: a point release has most of its own here. */
const PIECES_LOOKED_FOR = 16
const LOOK_EVERY_MS = 1_000
/** A stretch that nobody offers for so long is left: its host has gone, or has found the file changed. */
const UNOFFERED_MS = 5_000
/** And so long after the last news, the file. */
const FORGET_MS = 120_000

export interface EarlyPiecesNeeds {
  readonly disk: Pick<Root, 'openStaged' | 'renameStaged' | 'listStaged' | 'dropStaged' | 'freeBytes'>
  readonly index: Pick<FolderIndex, 'entry' | 'recordsOf' | 'findPiece' | 'placesOf' | 'replica'>
  readonly downloader: Pick<Downloader, 'fetch' | 'leave' | 'isOffered'>
  /** False while nothing is to be written to the disk. */
  readonly mayFetch: () => boolean
  /** What stands at the path, if anything does, is still to be looked at or read. */
  readonly isUnread: (path: RelPath) => boolean
  readonly rankOf: (path: RelPath) => number
  readonly clock: Clock
  readonly log: Log
}

/** What is known of a file besides its pieces. */
interface Watched {
  readonly file: EarlyFile
  newsMs: number
  /** When one of its stretches that are under way was last offered by anybody. */
  offeredMs: number
}

export class EarlyPieces {
  readonly #needs: EarlyPiecesNeeds
  readonly #files = new Map<RelPath, Watched>()
  readonly #fileOf = new Map<RootHash, EarlyFile>()
  readonly #lookout: Lookout
  #count = 0

  constructor(needs: EarlyPiecesNeeds) {
    this.#needs = needs
    this.#lookout = new Lookout({ everyMs: LOOK_EVERY_MS, look: () => this.#look(), clock: needs.clock })
  }

  /** A peer can give a stretch of a file that it is hashing. */
  told(peer: Peer, stretch: Stretch): void {
    const name = stretchName(stretch)
    if (!peer.writer || this.#fileOf.has(name) || !this.#isWelcome(stretch)) return
    const watched = this.#files.get(stretch.path) ?? this.#begin(stretch)
    if (!watched.file.add(name, stretch)) return
    this.#fileOf.set(name, watched.file)
    watched.newsMs = watched.offeredMs = this.#needs.clock.elapsed()
    this.#lookout.start()
    const { downloader, rankOf } = this.#needs
    downloader.fetch(name, { size: stretch.list.size, rank: rankOf(stretch.path) + BEHIND })
  }

  /** The path of the file that a stretch of this name is of. */
  pathOf(name: RootHash): RelPath | null {
    return this.#fileOf.get(name)?.path ?? null
  }

  listOf(name: RootHash): PieceList | null {
    return this.#fileOf.get(name)?.listOf(name) ?? null
  }

  /** Where the bytes of the stretch go; null if there is none of that name. */
  open(name: RootHash): Promise<StagedFile> | null {
    return this.#fileOf.get(name)?.open(name) ?? null
  }

  growing(name: RootHash): Growing | null {
    return this.#fileOf.get(name)?.growing(name) ?? null
  }

  /** True for what lies in staging for a file that is fetched early. */
  isStaged(name: RootHash): boolean {
    return this.#files.values().some(({ file }) => file.stagedAs === name)
  }

  /** All of it is there. False if this is no stretch. */
  whole(name: RootHash): boolean {
    const file = this.#fileOf.get(name)
    if (file === undefined) return false
    file.ended(name, { all: true })
    void this.#needs.downloader.leave(name)
    return true
  }

  /** The disk fails, or has no room: the file's own transfer will say so. False if this is no stretch. */
  failed(name: RootHash): boolean {
    const file = this.#fileOf.get(name)
    if (file === undefined) return false
    void this.#giveUp(file)
    return true
  }

  /** What has come of a content, now that it has a name: staged under that. Null if nothing has. */
  async adopt(list: PieceList, root: RootHash): Promise<Adopted | null> {
    const file = [...this.#files.values()].find((watched) => watched.file.piecesOf(list) !== null)?.file
    if (file === undefined) return null
    this.#files.delete(file.path)
    await this.#leaveAll(file)
    this.#forgetNames(file)
    const pieces = file.piecesOf(list)!
    try {
      const staged = await file.staged
      if ((await this.#needs.disk.listStaged()).includes(root)) throw new Error('it has been begun before')
      await this.#needs.disk.renameStaged(file.stagedAs, root)
      return { staged, pieces }
    } catch (error) {
      this.#needs.log.debug({ path: file.path, err: error }, `${file.path}: what came early is of no use`)
      await this.#discard(file)
      return null
    }
  }

  /** Nothing is to be written any more, and what has been written may be another disk's soon: gives all up. */
  async pause(): Promise<void> {
    await Promise.all([...this.#files.values()].map(({ file }) => this.#giveUp(file)))
  }

  #isWelcome({ path, list }: Stretch): boolean {
    const { mayFetch, isUnread } = this.#needs
    if (!mayFetch() || isUnread(path) || this.#fileOf.size >= MOST_STRETCHES) return false
    return !this.#isKnown(path) && !this.#liesHere(list)
  }

  #isKnown(path: RelPath): boolean {
    const { index } = this.#needs
    const entry = index.entry(path)
    if (entry !== null && entry.kind !== 'absent') return true
    return index.recordsOf(path).some(({ kind }) => kind !== 'tombstone')
  }

  /** Some of it: an image that only has a new name is not sent at all, a point release hardly. */
  #liesHere(list: PieceList): boolean {
    const { index } = this.#needs
    const step = Math.max(1, Math.floor(list.count / PIECES_LOOKED_FOR))
    for (let ordinal = 0; ordinal < list.count; ordinal += step) {
      const hash = pieceHash(list, ordinal)
      const places = index.findPiece(hash)
      if (places.some(({ root, length }) => !isZeroPiece(hash, length) && index.placesOf(root).length > 0)) return true
    }
    return false
  }

  #begin({ path, fileSize: size }: Stretch): Watched {
    const stagedAs = fromHex<RootHash>(
      blake3(Buffer.from(`early ${this.#needs.index.replica} ${this.#count++}`)).toString('hex'),
    )
    const staged = this.#openStaged(stagedAs, path, size)
    staged.catch(() => undefined) // whoever opens a stretch hears of it
    const watched: Watched = { file: new EarlyFile({ path, size, stagedAs, staged }), newsMs: 0, offeredMs: 0 }
    this.#files.set(path, watched)
    return watched
  }

  /** Only where the whole file has room: else its transfer would not begin either. */
  async #openStaged(name: RootHash, path: RelPath, size: number): Promise<StagedFile> {
    if ((await this.#needs.disk.freeBytes()) < size) throw new FsError('no-space', path, 'there is no room for it')
    return await this.#needs.disk.openStaged(name)
  }

  #look(): boolean {
    const nowMs = this.#needs.clock.elapsed()
    for (const watched of this.#files.values()) {
      const underWay = watched.file.underWay()
      if (underWay.some((name) => this.#needs.downloader.isOffered(name))) watched.offeredMs = nowMs
      else if (underWay.length > 0 && nowMs - watched.offeredMs >= UNOFFERED_MS) void this.#leaveAll(watched.file)
      else if (underWay.length === 0 && nowMs - watched.newsMs >= FORGET_MS) void this.#giveUp(watched.file)
    }
    return this.#files.size > 0
  }

  /** Resolves when none of it is being fetched. */
  async #leaveAll(file: EarlyFile): Promise<void> {
    const leave = async (name: RootHash) => file.ended(name, await this.#needs.downloader.leave(name))
    await Promise.all(file.underWay().map(leave))
  }

  async #giveUp(file: EarlyFile): Promise<void> {
    if (this.#files.get(file.path)?.file === file) this.#files.delete(file.path)
    await this.#leaveAll(file)
    this.#forgetNames(file)
    await this.#discard(file)
  }

  #forgetNames(file: EarlyFile): void {
    for (const name of file.names()) this.#fileOf.delete(name)
  }

  /** What stays after all is swept at the next start. */
  async #discard({ staged, stagedAs }: EarlyFile): Promise<void> {
    await staged.then((open) => open.close()).catch(() => undefined)
    await this.#needs.disk.dropStaged(stagedAs).catch(() => undefined)
  }
}
