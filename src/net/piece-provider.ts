/**
 * The answering end of a stream of pieces. It reads ahead a bounded number of bytes, takes requests in turn piece by
 * piece, and sends when four things allow it: the connection takes bytes, the requester has granted credit, the
 * upload limit lets them pass, and the next piece has been read. Each of the four calls `#pump` when it changes.
 *
 * A piece's buffer is given back when its bytes have been encrypted: right after they were sent, unless the stream
 * had to hold some back (fast-noise.ts, `send`).
 */
import { Uint8ArrayList } from 'uint8arraylist'
import { type RootHash } from '../base/brand.ts'
import { MIN_PIECE_BYTES } from '../sync/piece-list.ts'
import * as limits from './limits.ts'
import { chunkHeader, HEADER_BYTES, LIST, LISTED, MAX_SEND_BYTES, PIECE, REFUSED } from './piece-frames.ts'
import { type FolderHandlers, type ServedPiece } from './peer-port.ts'
import { type PiecesRequest } from './pieces-request.ts'
import { refuse } from './record-codec.ts'
import { type RateLimit } from './rate-limit.ts'

/** What it needs of a libp2p stream. */
export interface ByteSink {
  readonly writableNeedsDrain: boolean
  readonly writeBufferLength: number
  send(bytes: Uint8ArrayList): boolean
}

export interface PieceProviderNeeds {
  readonly sink: ByteSink
  readonly handlers: Pick<FolderHandlers, 'servePiece' | 'servePieceList'>
  /** Null for a peer that is exempt from the limit. */
  readonly limit: () => RateLimit | null
  readonly countSent: (bytes: number) => void
  /** Calls back when what else is ready has had its turn. */
  readonly soon: (work: () => void) => void
  /** How much may be held that is read and not yet sent. */
  readonly readAheadBytes: () => number
}

interface Job {
  readonly id: number
  /** One, of all pieces; or one for each, whose only piece it is. */
  readonly roots: readonly RootHash[]
  readonly ordinals: readonly number[]
  readonly lengths: readonly number[]
  next: number
  cancelled: boolean
}

/** Something to be sent, in order: `bytes` is null until it has been read. */
interface Item {
  readonly job: Job | null
  readonly id: number
  readonly kind: typeof PIECE | typeof LISTED | typeof REFUSED | typeof LIST
  readonly length: number
  state: 'reading' | 'ready'
  piece: ServedPiece | null
  sent: number
}

export class PieceProvider {
  readonly #needs: PieceProviderNeeds
  readonly #jobs: Job[] = []
  readonly #outbox: Item[] = []
  #sentPieces: ServedPiece[] = []
  #readAhead = 0
  #credit = 0
  #allowance = 0
  #asking = false
  #pumping = false
  #pumpingSoon = false
  #closed = false

  constructor(needs: PieceProviderNeeds) {
    this.#needs = needs
  }

  /** Throws ProtocolError when the requester asks for more than it may. */
  request(request: Exclude<PiecesRequest, { type: 'open' }>): void {
    switch (request.type) {
      case 'pieces':
        this.#serve({ ...request, roots: [request.root] })
        break
      case 'contents':
        this.#serve({ ...request, ordinals: [] })
        break
      case 'list':
        if (this.#outbox.length >= 2 * limits.MAX_REQUESTS_PER_PEER) refuse('too many requests at a time')
        this.#serveList(request.id, request.root)
        break
      case 'cancel':
        this.#cancel(request.id)
        break
      case 'credit':
        this.#credit += request.bytes
        if (this.#credit > 2 * limits.MAX_CREDIT_BYTES) refuse('too much credit')
    }
    this.#pump()
  }

  /** The connection takes bytes again. */
  drained(): void {
    this.#pump()
  }

  /** The stream has ended: buffers are given back, those still being read when they have been. */
  close(): void {
    this.#closed = true
    for (const job of this.#jobs) job.cancelled = true
    for (const item of this.#outbox.splice(0)) item.piece?.release()
    this.#releaseSent()
  }

  #serve({ id, roots, ordinals, lengths }: Pick<Job, 'id' | 'roots' | 'ordinals' | 'lengths'>): void {
    if (this.#jobs.length >= limits.MAX_REQUESTS_PER_PEER) refuse('too many requests at a time')
    this.#jobs.push({ id, roots, ordinals, lengths, next: 0, cancelled: false })
    this.#readMore()
  }

  #readMore(): void {
    while (!this.#closed && this.#readAhead < this.#needs.readAheadBytes()) {
      const job = this.#jobs.shift()
      if (job === undefined) return
      const root = job.roots[job.next] ?? job.roots[0]
      const ordinal = job.ordinals[job.next] ?? 0
      const length = job.lengths[job.next] ?? 0
      if (root === undefined) continue
      if (++job.next < job.lengths.length) this.#jobs.push(job)
      this.#readAhead += heldFor(length)
      const item: Item = { job, id: job.id, kind: PIECE, length, state: 'reading', piece: null, sent: 0 }
      this.#outbox.push(item)
      void this.#read(job, root, ordinal, item)
    }
  }

  async #read(job: Job, root: RootHash, ordinal: number, item: Item): Promise<void> {
    let piece: ServedPiece | null = null
    try {
      piece = await this.#needs.handlers.servePiece(root, ordinal)
    } catch {
      // handled like a piece that is not here: the handler has logged it
    }
    if (piece !== null && (job.cancelled || piece.bytes.byteLength !== item.length)) {
      piece.release()
      piece = null
    }
    item.piece = piece
    item.state = 'ready'
    if (item.length >= MIN_PIECE_BYTES) this.#pump()
    else this.#pumpSoon()
  }

  #serveList(id: number, root: RootHash): void {
    const bytes = this.#needs.handlers.servePieceList(root)
    const common = { job: null, id, state: 'ready', sent: 0 } as const
    if (bytes === null) {
      this.#outbox.push({ ...common, kind: REFUSED, length: 0, piece: null })
      return
    }
    this.#outbox.push({ ...common, kind: LIST, length: bytes.byteLength, piece: null })
    if (bytes.byteLength > 0)
      this.#outbox.push({ ...common, kind: LISTED, length: bytes.byteLength, piece: { bytes, release: () => {} } })
  }

  #cancel(id: number): void {
    const at = this.#jobs.findIndex((job) => job.id === id)
    const [waiting] = at === -1 ? [] : this.#jobs.splice(at, 1)
    const job = waiting ?? this.#outbox.find((item) => item.id === id)?.job
    if (job !== undefined && job !== null) job.cancelled = true
    for (let i = this.#outbox.length - 1; i >= 0; i--)
      if (this.#outbox[i]?.id === id && this.#outbox[i]?.job === null) this.#outbox.splice(i, 1)
  }

  /** Small contents are read by the dozen in one breath, and fill a message together. */
  #pumpSoon(): void {
    if (this.#pumpingSoon) return
    this.#pumpingSoon = true
    this.#needs.soon(() => {
      this.#pumpingSoon = false
      this.#pump()
    })
  }

  #pump(): void {
    if (this.#pumping) return // sending may call back
    this.#pumping = true
    this.#sendAll(this.#needs.sink)
    this.#pumping = false
  }

  #sendAll(sink: ByteSink): void {
    while (!this.#closed && !sink.writableNeedsDrain && sink.writeBufferLength === 0) {
      this.#releaseSent()
      if (!this.#hasSomething()) break
      if (!this.#allowed()) break
      this.#sendOnce(sink)
    }
    if (sink.writeBufferLength === 0) this.#releaseSent()
  }

  /** Drops what was cancelled or cannot be had, and says whether the first in line can be sent now. */
  #hasSomething(): boolean {
    for (let item = this.#outbox[0]; item !== undefined; item = this.#outbox[0]) {
      if (item.state === 'reading') return false
      if (item.job?.cancelled === true) this.#drop(item)
      else if (item.kind === PIECE) return item.piece === null || this.#credit > 0
      else return true
    }
    return false
  }

  #drop(item: Item): void {
    this.#finish(item)
  }

  /** Whether something may be sent now. With a limit, asks it for a slice when the last one is used up. */
  #allowed(): boolean {
    const limit = this.#needs.limit()
    if (limit === null || !limit.limited) {
      this.#allowance = MAX_SEND_BYTES
      return true
    }
    if (this.#allowance > HEADER_BYTES) return true
    if (this.#asking) return false
    this.#asking = true
    const bytes = limit.sliceBytes()
    let atOnce = true
    limit.take(bytes, () => {
      this.#asking = false
      this.#allowance += bytes
      if (!atOnce) this.#pump()
    })
    atOnce = false
    return !this.#asking
  }

  /** Fills one message with as many chunks as are ready. */
  #sendOnce(sink: ByteSink): void {
    const list = new Uint8ArrayList()
    let left = Math.min(MAX_SEND_BYTES, this.#allowance)
    while (left > HEADER_BYTES && this.#hasSomething()) left -= this.#appendChunk(list, left)
    if (list.byteLength === 0) return
    this.#allowance -= list.byteLength
    this.#needs.countSent(list.byteLength)
    sink.send(list)
  }

  #appendChunk(list: Uint8ArrayList, left: number): number {
    const item = this.#outbox[0]
    if (item === undefined) return left
    const { piece, kind, id } = item
    if (piece === null) return this.#appendHeaderOnly(list, item)
    const n = Math.min(left - HEADER_BYTES, item.length - item.sent, kind === PIECE ? this.#credit : Infinity)
    list.append(chunkHeader(kind, id, n), piece.bytes.subarray(item.sent, item.sent + n))
    item.sent += n
    if (kind === PIECE) this.#credit -= n
    if (item.sent === item.length) this.#finish(item)
    return HEADER_BYTES + n
  }

  #appendHeaderOnly(list: Uint8ArrayList, item: Item): number {
    const refused = item.kind === PIECE || item.kind === REFUSED
    list.append(chunkHeader(refused ? REFUSED : item.kind, item.id, refused ? 0 : item.length))
    if (item.kind === PIECE) {
      this.#cancel(item.id)
      this.#drop(item)
    } else this.#outbox.shift()
    return HEADER_BYTES
  }

  #finish(item: Item): void {
    this.#outbox.shift()
    if (item.piece !== null) this.#sentPieces.push(item.piece)
    item.piece = null
    if (item.kind !== PIECE) return
    this.#readAhead -= heldFor(item.length)
    this.#readMore()
  }

  /** All that was sent has been encrypted: nobody looks at these bytes any more. */
  #releaseSent(): void {
    if (this.#sentPieces.length === 0) return
    for (const piece of this.#sentPieces) piece.release()
    this.#sentPieces = []
  }
}

/** A request may lie about a piece's length: it counts at least as the smallest there is. */
function heldFor(length: number): number {
  return Math.max(length, MIN_PIECE_BYTES)
}
