/**
 * The asking end of a stream of pieces. It grants credit: the other end may send as many bytes of pieces as were
 * granted and not a byte more, so what is held here is bounded whatever the other end does, and a download limit is
 * kept by granting slowly. Piece lists need no credit: whoever asks bounds their size.
 */
import { type RootHash } from '../base/brand.ts'
import { type Owed } from './owed.ts'
import { type PeerGone } from './peer-port.ts'
import * as limits from './limits.ts'
import { ListFetch } from './list-fetch.ts'
import { type PieceBuffers } from './piece-buffers.ts'
import { PieceFetch } from './piece-fetch.ts'
import { type ChunkKind, ChunkReader, LIST, LISTED, PIECE, REFUSED } from './piece-frames.ts'
import { encodeRequest, type PiecesRequest } from './pieces-request.ts'
import { ProtocolError } from './record-codec.ts'
import { type RateLimit } from './rate-limit.ts'

export interface PieceRequesterNeeds {
  readonly buffers: PieceBuffers
  /** Null for a peer that is exempt from the limit. */
  readonly limit: () => RateLimit | null
  /** For long links: how much may be under way. */
  readonly creditBytes: () => number
  /** Sends a request; the stream frames it. */
  readonly send: (request: Uint8Array) => void
  readonly countReceived: (bytes: number) => void
  readonly owed: Owed
}

export type Receive = (ordinal: number, bytes: Uint8Array) => Promise<void>

export class PieceRequester {
  readonly #needs: PieceRequesterNeeds
  readonly #pieces = new Map<number, PieceFetch>()
  readonly #lists = new Map<number, ListFetch>()
  readonly #waiting: (() => void)[] = []
  readonly #reader = new ChunkReader({
    header: (kind, id, n) => this.#header(kind, id, n),
    bytes: (bytes) => this.#bytes(bytes),
  })
  #nextId = 1
  #current: PieceFetch | ListFetch | null = null
  #credit = 0
  #held = 0
  #granting = false
  #gone: PeerGone | null = null

  constructor(needs: PieceRequesterNeeds) {
    this.#needs = needs
  }

  /** Bytes of pieces that were asked for and have not come. */
  get underWayBytes(): number {
    return this.#wanted()
  }

  /** Peer.fetchPieces */
  fetchPieces(
    root: RootHash,
    ordinals: readonly number[],
    lengths: readonly number[],
    receive: Receive,
    signal: AbortSignal,
  ): Promise<void> {
    return this.#fetch({ ordinals, lengths }, receive, signal, (id) => {
      return { type: 'pieces', id, root, ordinals, lengths }
    })
  }

  /** Peer.fetchContents */
  fetchContents(
    roots: readonly RootHash[],
    lengths: readonly number[],
    receive: Receive,
    signal: AbortSignal,
  ): Promise<void> {
    return this.#fetch({ ordinals: [...roots.keys()], lengths }, receive, signal, (id) => {
      return { type: 'contents', id, roots, lengths }
    })
  }

  #fetch(
    what: { readonly ordinals: readonly number[]; readonly lengths: readonly number[] },
    receive: Receive,
    signal: AbortSignal,
    request: (id: number) => PiecesRequest,
  ): Promise<void> {
    return this.#start(signal, (id, done) => {
      const { buffers } = this.#needs
      const freed = (bytes: number) => this.#freed(bytes)
      const ended = (error: Error | null) => done(error ?? undefined)
      const fetch = new PieceFetch(what, { buffers, receive, freed, ended })
      this.#pieces.set(id, fetch)
      this.#send(request(id))
      this.#grant()
      return fetch
    })
  }

  /** Peer.fetchPieceList */
  fetchPieceList(root: RootHash, maxBytes: number, signal: AbortSignal): Promise<Uint8Array> {
    return this.#start(signal, (id, done) => {
      const fetch = new ListFetch({ maxBytes }, { ended: done })
      this.#lists.set(id, fetch)
      this.#send({ type: 'list', id, root })
      return fetch
    })
  }

  /** Bytes from the stream; valid during the call only. Throws ProtocolError. */
  push(bytes: Uint8Array): void {
    this.#reader.push(bytes)
  }

  /** The stream has ended: everything under way fails. */
  gone(error: PeerGone): void {
    this.#needs.owed.forgiven(this.#credit)
    this.#credit = 0
    this.#gone = error
    for (const fetch of [...this.#pieces.values(), ...this.#lists.values()]) fetch.fail(error)
    for (const start of this.#waiting.splice(0)) start()
  }

  /** Runs one request from its turn to its end, and cancels it at the other end when `signal` says so. */
  async #start<T>(
    signal: AbortSignal,
    begin: (id: number, done: (result: T | Error) => void) => { fail(error: Error): void },
  ): Promise<T> {
    while (this.#pieces.size + this.#lists.size >= limits.MAX_REQUESTS_PER_PEER)
      await new Promise<void>((resolve) => this.#waiting.push(resolve))
    signal.throwIfAborted()
    if (this.#gone !== null) throw this.#gone
    const id = this.#nextId++
    let abort = () => {}
    const result = await new Promise<T | Error>((resolve) => {
      const fetch = begin(id, resolve)
      abort = () => fetch.fail(reasonOf(signal))
      signal.addEventListener('abort', abort, { once: true })
    })
    signal.removeEventListener('abort', abort)
    this.#ended(id, result instanceof Error)
    if (result instanceof Error) throw result
    return result
  }

  #ended(id: number, failed: boolean): void {
    this.#pieces.delete(id)
    this.#lists.delete(id)
    if (failed && this.#gone === null) this.#send({ type: 'cancel', id })
    this.#waiting.shift()?.()
  }

  #header(kind: ChunkKind, id: number, n: number): void {
    const pieces = this.#pieces.get(id)
    const list = this.#lists.get(id)
    switch (kind) {
      case PIECE:
        this.#spend(n)
        this.#current = pieces ?? null
        return
      case LISTED:
        this.#current = list ?? null
        return
      case LIST:
        return list?.begins(n)
      case REFUSED:
        pieces?.refused()
        list?.refused()
    }
  }

  #bytes(bytes: Uint8Array): void {
    this.#needs.countReceived(bytes.byteLength)
    const taker = this.#current
    if (taker instanceof ListFetch) this.#needs.limit()?.charge(bytes.byteLength)
    if (taker !== null && !taker.over) {
      if (taker instanceof PieceFetch) this.#held += bytes.byteLength
      taker.bytes(bytes)
    }
    if (this.#pieces.size > 0) this.#grant()
  }

  #spend(bytes: number): void {
    this.#credit -= bytes
    this.#needs.owed.came(bytes)
    if (this.#credit < 0) throw new ProtocolError('more bytes than were asked for')
  }

  #freed(bytes: number): void {
    this.#held -= bytes
    this.#grant()
  }

  /** Grants what is wanted, as far as there is room; with a limit in slices as the limit lets them pass. */
  #grant(): void {
    if (this.#granting || this.#gone !== null) return
    const limit = this.#needs.limit()
    const window = Math.floor(this.#needs.creditBytes())
    const most = Math.floor(Math.min(window, limit?.windowBytes() ?? Infinity))
    // Half of it is told at a time: fewer messages, and the other end does not run dry waiting for one.
    if (this.#credit > most / 2) return
    const wanted = this.#wanted() - this.#credit
    const room = Math.min(wanted, most - this.#credit, window - this.#held - this.#credit)
    if (room <= 0) return
    const bytes = Math.min(room, limit?.sliceBytes() ?? Infinity)
    if (limit === null || !limit.limited) return this.#tell(bytes)
    this.#granting = true
    limit.take(bytes, () => {
      this.#granting = false
      this.#tell(bytes)
      queueMicrotask(() => this.#grant())
    })
  }

  #wanted(): number {
    let wanted = 0
    for (const fetch of this.#pieces.values()) wanted += fetch.missingBytes
    return wanted
  }

  #tell(bytes: number): void {
    if (this.#gone !== null) return
    this.#credit += bytes
    this.#needs.owed.granted(bytes)
    this.#send({ type: 'credit', bytes })
  }

  #send(request: PiecesRequest): void {
    this.#needs.send(encodeRequest(request))
  }
}

function reasonOf(signal: AbortSignal): Error {
  return signal.reason instanceof Error ? signal.reason : new Error(String(signal.reason))
}
