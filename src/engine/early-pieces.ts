/**
 * Fetches files that other hosts are still hashing, stretch by stretch (sync/stretch.ts), each file into one of its own
 * in staging. When a file's record has come, the transfer of its content goes on with that.
 *
 * Whether there will be a record is a guess: so nothing is fetched early whose path is known here, or of which some
 * lies here already; all that has been announced goes before it, and gets the room that it takes on the disk. What no
 * record follows is dropped.
 */
import { blake3 } from '../base/blake3.ts'
import { fromHex, type RelPath, type RootHash } from '../base/brand.ts'
import { type Clock } from '../base/clock.ts'
import { type Log } from '../base/log.ts'
import { Lookout } from '../base/lookout.ts'
import { type FolderIndex } from '../db/index-port.ts'
import { FsError, type Root, type StagedFile } from '../fs/root.ts'
import { type Peer } from '../net/peer-port.ts'
import { type PieceList } from '../sync/piece-list.ts'
import { type Stretch, stretchName } from '../sync/stretch.ts'
import { type Downloader } from './downloader.ts'
import { EarlyFile } from './early-file.ts'
import { type EarlyIndex, isComing, isKnown, liesHere } from './early-rules.ts'
import { type Growing } from './piece-server.ts'
import { type OpenStaged, type TransferGoal } from './transfer-goal.ts'

/** More than a config has priorities: behind all that has been announced. */
const BEHIND_ALL = 1_000
/** Of all files together: 128 GB, and some 40 MB of memory. */
const MOST_STRETCHES = 4_096
/** More than all hosts of a pool hash at a time. */
const MOST_FILES = 64
const LOOK_EVERY_MS = 1_000
/** All who are told of a stretch are told at once: until they know of each other they would ask for the same pieces. */
const HEAR_OTHERS_MS = 250

export interface EarlyPiecesNeeds {
  readonly disk: Pick<Root, 'openStaged' | 'renameStaged' | 'listStaged' | 'dropStaged' | 'freeBytes'>
  readonly index: EarlyIndex & Pick<FolderIndex, 'replica'>
  readonly downloader: Pick<Downloader, 'fetch' | 'leave' | 'isOffered'>
  readonly peers: () => ReadonlySet<Peer>
  /** What all transfers together will still write. */
  readonly comingBytes: () => number
  /** False while nothing is to be written to the disk. */
  readonly mayFetch: () => boolean
  /** What stands at the path, if anything does, is still to be looked at or read. */
  readonly isUnread: (path: RelPath) => boolean
  readonly rankOf: (path: RelPath) => number
  readonly clock: Clock
  readonly log: Log
}

export class EarlyPieces implements TransferGoal {
  readonly #needs: EarlyPiecesNeeds
  readonly #files = new Map<RelPath, EarlyFile>()
  readonly #fileOf = new Map<RootHash, EarlyFile>()
  readonly #lookout: Lookout
  #begun = 0

  constructor(needs: EarlyPiecesNeeds) {
    this.#needs = needs
    this.#lookout = new Lookout({ everyMs: LOOK_EVERY_MS, look: () => this.#look(), clock: needs.clock })
  }

  /** A peer can give a stretch of a file that it is hashing. */
  told(peer: Peer, stretch: Stretch): void {
    if (!peer.writer) return
    const { downloader, rankOf, clock } = this.#needs
    this.#files.get(stretch.path)?.heard(clock.elapsed())
    const name = stretchName(stretch)
    if (this.#fileOf.has(name) || !this.#isWelcome(stretch)) return
    const file = this.#fileFor(stretch)
    if (file?.fits(stretch) !== true) return
    file.add(name, stretch)
    this.#fileOf.set(name, file)
    this.#lookout.start()
    const rank = rankOf(stretch.path) + BEHIND_ALL
    downloader.fetch(name, { size: stretch.list.size, rank, patient: true })
  }

  /** The file that a stretch of this name is of; null if there is none of that name. */
  fileOf(name: RootHash): EarlyFile | null {
    return this.#fileOf.get(name) ?? null
  }

  listOf(name: RootHash): PieceList | null {
    return this.#fileOf.get(name)?.listOf(name) ?? null
  }

  growing(name: RootHash): Growing | null {
    return this.#fileOf.get(name)?.growing(name) ?? null
  }

  /** True for what lies in staging for a file that is fetched early. */
  isStaged(name: RootHash): boolean {
    return this.#files.values().some(({ stagedAs }) => stagedAs === name)
  }

  async pieceList(name: RootHash): Promise<PieceList> {
    return this.listOf(name) ?? givenUp()
  }

  async open(name: RootHash): Promise<OpenStaged> {
    const file = this.#fileOf.get(name) ?? givenUp()
    if (this.#needs.peers().size > 1) await this.#needs.clock.sleep(HEAR_OTHERS_MS)
    return { staged: await file.open(name), pieces: null }
  }

  whole(name: RootHash): void {
    this.#fileOf.get(name)?.ended(name, { all: true })
    void this.#needs.downloader.leave(name)
  }

  /** The disk fails, or has no room: the file's own transfer will say so. */
  failed(name: RootHash): void {
    const file = this.#fileOf.get(name)
    if (file !== undefined) void this.#giveUp(file)
  }

  /** What has come of a content, now that it has a name: staged under that. Null if nothing has. */
  async adopt(root: RootHash, list: PieceList): Promise<OpenStaged | null> {
    const file = this.#mostOf(list)
    if (file === null) return null
    this.#files.delete(file.path)
    await this.#leaveAll(file)
    this.#forgetNames(file)
    try {
      const staged = await file.staged()
      if ((await this.#needs.disk.listStaged()).includes(root)) throw new Error('it has been begun before')
      await this.#needs.disk.renameStaged(file.stagedAs, root)
      return { staged, pieces: file.piecesOf(list) }
    } catch (error) {
      this.#needs.log.debug({ path: file.path, err: error }, `${file.path}: what came early is of no use`)
      await this.#discard(file)
      return null
    }
  }

  /** True if something was given up: what has been announced needs the room. */
  async makeRoom(): Promise<boolean> {
    if (this.#files.size === 0) return false
    await this.giveUpAll()
    return true
  }

  /** Also when nothing is to be written any more, and what has been written may be another disk's soon. */
  async giveUpAll(): Promise<void> {
    await Promise.all([...this.#files.values()].map((file) => this.#giveUp(file)))
  }

  #isWelcome({ path, list }: Stretch): boolean {
    const { mayFetch, isUnread, index } = this.#needs
    if (!mayFetch() || isUnread(path) || this.#fileOf.size >= MOST_STRETCHES) return false
    return !isKnown(path, index) && !liesHere(list, index)
  }

  /** Another file at the same path takes the place of one of which nothing is to be had any more. */
  #fileFor(stretch: Stretch): EarlyFile | null {
    const known = this.#files.get(stretch.path)
    if (known !== undefined && (known.fits(stretch) || known.underWay().length > 0)) return known
    if (known !== undefined) void this.#giveUp(known)
    return this.#files.size < MOST_FILES ? this.#begin(stretch) : null
  }

  #begin({ path, fileSize: size }: Stretch): EarlyFile {
    const { index, clock } = this.#needs
    const unique = `early ${index.replica} ${clock.now()} ${this.#begun++}`
    const stagedAs = fromHex<RootHash>(blake3(Buffer.from(unique)).toString('hex'))
    const file = new EarlyFile({ path, size, stagedAs }, { open: () => this.#openStaged(stagedAs, path, size) })
    file.heard(clock.elapsed())
    this.#files.set(path, file)
    return file
  }

  /** Only where the whole file has room beside all that is coming: else its transfer would not begin either. */
  async #openStaged(name: RootHash, path: RelPath, size: number): Promise<StagedFile> {
    const free = (await this.#needs.disk.freeBytes()) - this.#needs.comingBytes()
    if (free < size) throw new FsError('no-space', path, 'there is no room for it')
    return await this.#needs.disk.openStaged(name)
  }

  #look(): boolean {
    const nowMs = this.#needs.clock.elapsed()
    for (const file of this.#files.values()) {
      const verdict = file.verdict(nowMs, (name) => this.#needs.downloader.isOffered(name))
      if (verdict === 'leave') void this.#leaveAll(file)
      if (verdict === 'forget' && !isComing(file, this.#needs.index)) void this.#giveUp(file)
    }
    return this.#files.size > 0
  }

  /** Of those that are a beginning of it, the one of which most is there. */
  #mostOf(list: PieceList): EarlyFile | null {
    let [most, pieces] = [null as EarlyFile | null, -1]
    for (const file of this.#files.values()) {
      const here = file.piecesOf(list)?.size ?? -1
      if (here > pieces) [most, pieces] = [file, here]
    }
    return most
  }

  /** Resolves when none of it is being fetched. */
  async #leaveAll(file: EarlyFile): Promise<void> {
    const leave = async (name: RootHash) => file.ended(name, await this.#needs.downloader.leave(name))
    await Promise.all(file.underWay().map(leave))
  }

  async #giveUp(file: EarlyFile): Promise<void> {
    if (this.#files.get(file.path) === file) this.#files.delete(file.path)
    await this.#leaveAll(file)
    this.#forgetNames(file)
    await this.#discard(file)
  }

  #forgetNames(file: EarlyFile): void {
    for (const name of file.names()) this.#fileOf.delete(name)
  }

  /** What stays after all is swept later. */
  async #discard(file: EarlyFile): Promise<void> {
    await file.close()
    await this.#needs.disk.dropStaged(file.stagedAs).catch(() => undefined)
  }
}

/** Its transfer has been left: nothing comes of this. */
function givenUp(): never {
  throw new Error('what was fetched early has been given up')
}
