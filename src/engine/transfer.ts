/**
 * One content on its way into staging.
 *
 *   1. get the piece list: from the index, else from a peer, checked against the root hash
 *   2. go on with what came while its first host was hashing it (early-pieces.ts); else open staging, and believe of
 *      what lies there only what hashes right (so a crash needs no notes); one transfer after the other, so that the
 *      first goes on soon
 *   3. take from this disk what any file or archived file here has; zeros need no bytes at all
 *   4. fetch the rest: the downloader asks peers, `receive` verifies and writes
 *   5. fdatasync, unless it is small; the applier installs it, and syncs it then
 */
import { blake3 } from '../base/blake3.ts'
import { type RootHash } from '../base/brand.ts'
import { BufferPool } from '../base/buffer-pool.ts'
import { RateMeter } from '../base/rate-meter.ts'
import { type FolderIndex } from '../db/index-port.ts'
import { FsError, type Root, type StagedFile } from '../fs/root.ts'
import { type Have, type Peer } from '../net/peer-port.ts'
import { type Wish } from '../sync/fetch-order.ts'
import { MAX_PIECE_BYTES, pieceHash, type PieceList, pieceOffsets } from '../sync/piece-list.ts'
import { PiecePicker } from '../sync/piece-picker.ts'
import { type PieceSet } from '../sync/piece-set.ts'
import { isZeroPiece } from '../sync/zero.ts'
import { shareBlocks } from './block-sharing.ts'
import { type ContentReader, holds } from './content-reader.ts'
import { type Growing } from './piece-server.ts'
import { type OpenStaged, type TransferGoal } from './transfer-goal.ts'

/** Pieces looked at before others get a turn. */
const BETWEEN_BREATHS = 64
/** While others take what room there is. */
const LOOK_FOR_ROOM_MS = 1_000
/** So little is synced once, when it gets its name; of more, most is written out before its path is locked. */
const SYNCED_WITH_NAME_BYTES = 1 << 20
/** So long a patient transfer waits for what others were to fetch: several of their looks for what is idle (downloader.ts). */
const QUIET_MS = 3_000
/** Shared by all transfers: checking what lies in staging and copying from this disk. */
const scratch = new BufferPool({ bytes: MAX_PIECE_BYTES, mostIdle: 8 })

export interface TransferNeeds {
  readonly disk: Pick<Root, 'freeBytes'>
  /** True if what is only a guess has given up room on the disk. */
  readonly makeRoom: () => Promise<boolean>
  readonly index: Pick<FolderIndex, 'findPiece' | 'placesOf' | 'replica'>
  readonly reader: Pick<ContentReader, 'read' | 'lend'>
  readonly breathe: () => Promise<void>
  readonly sleep: (ms: number, signal: AbortSignal) => Promise<void>
  /** What all transfers together will still write. */
  readonly comingBytes: () => number
  /** Runs `check` when it is the turn of this transfer among those that have something in staging. */
  readonly inTurn: (transfer: Pick<Transfer, 'rank' | 'size'>, check: () => Promise<void>) => Promise<void>
  /** Milliseconds of a clock that never jumps. */
  readonly elapsed: () => number
}

export interface TransferOptions extends Wish {
  readonly root: RootHash
  readonly goal: TransferGoal
}

export type TransferState = 'waiting' | 'listing' | 'checking' | 'fetching' | 'syncing' | 'whole'

export class Transfer implements Growing {
  readonly root: RootHash
  readonly size: number
  readonly rank: number
  readonly patient: boolean
  readonly goal: TransferGoal
  state: TransferState = 'waiting'
  readonly #needs: TransferNeeds
  readonly #stop = new AbortController()
  readonly #haves = new Map<Peer, Have>()
  readonly #rate = new RateMeter()
  readonly #whole = new Map<RootHash, boolean>()
  /** Pieces on their way to staging. */
  readonly #writing = new Map<number, Promise<void>>()
  #list: PieceList | null = null
  #offsets: Float64Array = new Float64Array(0)
  #picker: PiecePicker | null = null
  #staged: StagedFile | null = null
  #opening: Promise<unknown> = Promise.resolve()
  #newsMs = 0
  #hasRoom = false
  #isEnding = false

  constructor({ root, size, rank, patient = false, goal }: TransferOptions, needs: TransferNeeds) {
    this.root = root
    this.size = size
    this.rank = rank
    this.patient = patient
    this.goal = goal
    this.#needs = needs
  }

  /** Aborted when the transfer is cancelled or closed. */
  get signal(): AbortSignal {
    return this.#stop.signal
  }

  /** The picker, from 'fetching' on. */
  get picker(): PiecePicker | null {
    return this.state === 'fetching' ? this.#picker : null
  }

  /** Some peer has some of what is missing, or it is not known yet what is missing, or nothing is. */
  get isOffered(): boolean {
    if (this.state === 'fetching') return this.#picker?.isOffered === true
    return this.state !== 'listing' || [...this.#haves.values()].some(hasAny)
  }

  /** Nothing more is to be asked for; what has been is welcome. */
  get isEnding(): boolean {
    return this.#isEnding
  }

  get missingBytes(): number {
    return this.#picker?.missingBytes ?? this.size
  }

  /** What it will still write: others are not to take that room. What nobody has is not waited for. */
  get comingBytes(): number {
    return this.#hasRoom && this.isOffered ? this.missingBytes : 0
  }

  get doneBytes(): number {
    return this.size - this.missingBytes
  }

  /** Bytes per second from peers over the last seconds. */
  rate(): number {
    return this.#rate.rate(this.#needs.elapsed())
  }

  /** waiting -> listing -> checking -> fetching. Throws what the disk or the peers throw. */
  async prepare(): Promise<void> {
    this.state = 'listing'
    const list = await this.goal.pieceList(this.root, this.size, this.signal)
    this.signal.throwIfAborted()
    this.state = 'checking'
    this.#list = list
    this.#offsets = pieceOffsets(list)
    this.#picker = new PiecePicker({
      count: list.count,
      lengthOf: (ordinal) => this.lengthOf(ordinal),
      self: this.#needs.index.replica,
      seed: this.root,
      patient: this.patient,
    })
    const { staged, pieces } = await this.#opened(list)
    this.#staged = staged
    if (pieces === null) await this.#takeWhatLiesHere(list, staged)
    else await this.#goOnWith(pieces, list, staged)
    await this.#checkRoom(this.#picker.missingBytes)
    this.signal.throwIfAborted()
    for (const [peer, have] of this.#haves) this.#picker.peerHas(peer.replica, have)
    this.#newsMs = this.#needs.elapsed()
    this.state = 'fetching'
  }

  /** The staging file; closed again if the transfer was closed meanwhile, for nobody else would. */
  async #opened(list: PieceList): Promise<OpenStaged> {
    const opening = this.goal.open(this.root, list)
    this.#opening = opening
    const opened = await opening
    if (this.signal.aborted) await opened.staged.close()
    this.signal.throwIfAborted()
    return opened
  }

  /** The peer has nothing to do: where nothing has come for long, others are not waited for any more. */
  hasten(peer: Peer): void {
    if (this.#needs.elapsed() - this.#newsMs >= QUIET_MS) this.picker?.hasten(peer.replica)
  }

  /** Asks for no more. */
  end(): void {
    this.#isEnding = true
  }

  /** fetching -> syncing -> whole. */
  async finish(): Promise<void> {
    this.state = 'syncing'
    if (this.size > SYNCED_WITH_NAME_BYTES) await this.#staged?.sync()
    await this.#staged?.close()
    this.#staged = null
    this.state = 'whole'
  }

  /** Ends it; what is in staging stays for the next time. */
  async close(reason: string): Promise<void> {
    this.#stop.abort(new Error(reason))
    const staged = this.#staged
    this.#staged = null
    // One that comes late makes the file anew: not after it has been dropped, when another transfer may have begun.
    await this.#opening.catch(() => undefined)
    await staged?.close()
  }

  peerHas(peer: Peer, have: Have): void {
    this.#haves.set(peer, have)
    this.#picker?.peerHas(peer.replica, have)
  }

  peerGained(peer: Peer, ordinals: readonly number[]): void {
    if (this.#picker !== null) return this.#picker.peerGained(peer.replica, ordinals)
    const known = this.#haves.get(peer)
    if (known === undefined || !known.all) this.#haves.set(peer, withBits(known?.bitmap, ordinals))
  }

  peerGone(peer: Peer): void {
    this.#haves.delete(peer)
    this.#picker?.peerGone(peer.replica)
  }

  /** Peers that have said what they have of it. */
  sources(): IterableIterator<Peer> {
    return this.#haves.keys()
  }

  lengthOf(ordinal: number): number {
    return (this.#offsets[ordinal + 1] ?? 0) - (this.#offsets[ordinal] ?? 0)
  }

  /** Verifies and writes a piece. False: not what was asked for. Throws what the disk throws. */
  async receive(ordinal: number, bytes: Uint8Array): Promise<boolean> {
    // A piece that was asked of two peers may come again when all is there.
    if (this.state !== 'fetching') return true
    const { list, staged } = this.#working()
    if (bytes.byteLength !== this.lengthOf(ordinal) || !blake3(bytes).equals(pieceHash(list, ordinal))) return false
    if (this.#picker?.has(ordinal) === false) await this.#write(staged, ordinal, bytes)
    this.#newsMs = this.#needs.elapsed()
    this.#rate.add(bytes.byteLength, this.#newsMs)
    return true
  }

  /** One that two peers send at the same time is written once: else the file could be closed with a write under way. */
  #write(staged: StagedFile, ordinal: number, bytes: Uint8Array): Promise<void> {
    const underWay = this.#writing.get(ordinal)
    if (underWay !== undefined) return underWay
    const write = staged.write(bytes, this.#offsets[ordinal] ?? 0).finally(() => this.#writing.delete(ordinal))
    this.#writing.set(ordinal, write)
    return write
  }

  have(): Have {
    if (this.#picker === null) return { all: false, bitmap: new Uint8Array(0) }
    return this.#picker.missing === 0 ? { all: true } : { all: false, bitmap: this.#picker.bitmap() }
  }

  async read(ordinal: number, offset: number, into: Uint8Array): Promise<boolean> {
    if (this.#staged === null || this.#list === null || this.#picker?.has(ordinal) !== true) return false
    return await holds(this.#staged, offset, pieceHash(this.#list, ordinal), into)
  }

  /**
   * Better not begun than stopped half-way by a full disk, with min_free_space eaten up, together with what other
   * transfers are to bring yet: these are waited for, as what they leave decides.
   */
  async #checkRoom(neededBytes: number): Promise<void> {
    for (;;) {
      const free = await this.#needs.disk.freeBytes()
      const coming = this.#needs.comingBytes()
      if (neededBytes + coming <= free) break
      if (await this.#needs.makeRoom()) continue
      if (coming === 0)
        throw new FsError('no-space', this.root, `it needs ${neededBytes} bytes more, but only ${free} may be used`)
      await this.#needs.sleep(LOOK_FOR_ROOM_MS, this.signal)
    }
    this.#hasRoom = true
  }

  /** What is known to be there need not be read, and of what is not nothing counts. */
  async #goOnWith(pieces: PieceSet, list: PieceList, staged: StagedFile): Promise<void> {
    pieces.each((ordinal) => this.#picker?.gotPiece(ordinal))
    await staged.truncate(this.size)
    await this.#takePieces(list, staged, () => false)
  }

  async #takeWhatLiesHere(list: PieceList, staged: StagedFile): Promise<void> {
    const before = (await staged.stat()).size
    await staged.truncate(this.size)
    const { signal } = this
    const check = (lies: (ordinal: number) => boolean) => this.#takePieces(list, staged, lies)
    if (before > 0) return await this.#needs.inTurn(this, () => check(this.#writtenIn(staged, before)))
    const shared = await shareBlocks({ list, offsets: this.#offsets, staged, signal }, this.#needs)
    await check((ordinal) => shared.has(ordinal))
  }

  /** Whether anything was ever written where a piece lies: of a large content most may not have come. For rising ordinals. */
  #writtenIn(staged: StagedFile, bytes: number): (ordinal: number) => boolean {
    let data = -1
    return (ordinal) => {
      const from = this.#offsets[ordinal]!
      if (data < from) data = staged.dataFrom(from)
      return from < bytes && data < from + this.lengthOf(ordinal)
    }
  }

  async #takePieces(list: PieceList, staged: StagedFile, lies: (ordinal: number) => boolean): Promise<void> {
    const buffer = scratch.take()
    try {
      for (let ordinal = 0; ordinal < list.count; ordinal++) {
        if (this.#picker?.has(ordinal) === true) continue
        if (ordinal % BETWEEN_BREATHS === BETWEEN_BREATHS - 1) await this.#needs.breathe()
        this.signal.throwIfAborted()
        const into = buffer.subarray(0, this.lengthOf(ordinal))
        if (await this.#takePiece(ordinal, list, staged, lies(ordinal), into)) this.#picker?.gotPiece(ordinal)
      }
    } finally {
      scratch.give(buffer)
    }
  }

  async #takePiece(o: number, list: PieceList, staged: StagedFile, maybeHere: boolean, into: Buffer): Promise<boolean> {
    const hash = pieceHash(list, o)
    const offset = this.#offsets[o] ?? 0
    if (maybeHere && (await staged.read(into, offset)) === into.byteLength && blake3(into).equals(hash)) return true
    if (!maybeHere && isZeroPiece(hash, into.byteLength)) return true
    for (const place of this.#needs.index.findPiece(hash)) {
      if (place.length !== into.byteLength || !this.#liesHere(place.root)) continue
      if (!(await this.#needs.reader.read(place.root, place.offset, hash, into))) continue
      await staged.write(into, offset)
      return true
    }
    return false
  }

  /** Asked once for each content: the index knows the pieces of many that only others hold, of this one first of all. */
  #liesHere(root: RootHash): boolean {
    const known = this.#whole.get(root)
    if (known !== undefined) return known
    const lies = this.#needs.index.placesOf(root).length > 0
    this.#whole.set(root, lies)
    return lies
  }

  #working(): { list: PieceList; staged: StagedFile } {
    if (this.#list === null || this.#staged === null) throw new Error('the transfer has ended')
    return { list: this.#list, staged: this.#staged }
  }
}

export function hasAny(have: Have): boolean {
  return have.all || have.bitmap.some((byte) => byte !== 0)
}

function withBits(bitmap: Uint8Array | undefined, ordinals: readonly number[]): Have {
  const most = ordinals.reduce((a, b) => Math.max(a, b), 0)
  const bits = new Uint8Array(Math.max(bitmap?.byteLength ?? 0, (most >> 3) + 1))
  if (bitmap !== undefined) bits.set(bitmap)
  for (const o of ordinals) bits[o >> 3] = (bits[o >> 3] ?? 0) | (1 << (o & 7))
  return { all: false, bitmap: bits }
}
