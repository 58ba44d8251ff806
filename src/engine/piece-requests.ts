/**
 * Asks one peer for pieces of a transfer and takes what comes. Keeps within a window of bytes under way for each
 * peer, passes over a peer that promises and does not deliver, and counts bad pieces against whoever sent them.
 */
import { type Clock } from '../base/clock.ts'
import { type Log } from '../base/log.ts'
import { FsError } from '../fs/root.ts'
import { type Peer, PeerGone, PieceRefused } from '../net/peer-port.ts'
import { MAX_PIECE_BYTES } from '../sync/piece-list.ts'
import { LatePeers } from './late-peers.ts'
import { RequestWindow } from './request-window.ts'
import { type Transfer } from './transfer.ts'

/** A request of which no piece comes for so long is given up, though bytes may. */
const STALL_MS = 30_000
/** A peer that had room and nothing to do for so long, and its round trip, is asked in a hurry (piece-picker.ts). */
const IDLE_MS = 250
/** Bad pieces that a peer may send before it is dropped for an hour. */
const MOST_BAD_PIECES = 3
/** A peer whose connection ended is about to be taken away: asked again at once it would refuse at once, for ever. */
const GONE_MS = 100

export interface PieceRequestsNeeds {
  readonly clock: Clock
  readonly log: Log
  /** A piece has been verified and written. */
  readonly got: (transfer: Transfer, ordinal: number) => void
  /** There is room for another request. */
  readonly room: (peer: Peer) => void
  /** The peer did not give what it had said it has. */
  readonly refused: (transfer: Transfer, peer: Peer) => void
  /** The disk failed under the transfer. */
  readonly failed: (transfer: Transfer, error: unknown) => void
}

interface Request {
  readonly askedMs: number
  readonly abort: AbortController
  readonly open: Set<number>
}

export class PieceRequests {
  readonly #needs: PieceRequestsNeeds
  readonly #windows = new WeakMap<Peer, RequestWindow>()
  /** Since when a peer has had nothing to do. */
  readonly #idleSince = new WeakMap<Peer, number>()
  readonly #bad = new Map<string, number>()
  readonly #requests = new Map<Transfer, Map<Peer, Set<Request>>>()
  readonly #late: LatePeers

  constructor(needs: PieceRequestsNeeds) {
    this.#needs = needs
    this.#late = new LatePeers({
      ...needs,
      waitingFor: () => this.#waitingFor(),
      passOver: (peer) => this.#passOver(peer),
      resume: (peer) => this.#resume(peer),
    })
  }

  /** Asks `peer` for as much of `transfer` as its window allows. True if it was asked for anything. */
  ask(transfer: Transfer, peer: Peer): boolean {
    let asked = false
    if (this.#late.has(peer)) return asked
    for (;;) {
      const { room, requestBytes } = this.#window(peer)
      if (transfer.picker === null || transfer.isEnding || room <= 0) return asked
      // A longest piece always fits: a window may be overdrawn by one.
      const most = Math.max(MAX_PIECE_BYTES, Math.min(room, requestBytes))
      const ordinals = transfer.picker.pick(peer.replica, most, this.isIdle(peer))
      if (ordinals.length > 0) void this.#run(transfer, peer, ordinals)
      else if (!this.#isHeldUp(transfer, peer)) return asked
      asked ||= ordinals.length > 0
    }
  }

  /** Something that was asked for it has not come yet. */
  isWaiting(transfer: Transfer): boolean {
    return (
      this.#requests
        .get(transfer)
        ?.values()
        .some((requests) => requests.size > 0) === true
    )
  }

  hasRoom(peer: Peer): boolean {
    return this.#window(peer).room > 0
  }

  /** True when nothing has been asked of the peer for a while, although it could have been. */
  isIdle(peer: Peer): boolean {
    if (!this.#window(peer).isEmpty) return false
    const now = this.#needs.clock.elapsed()
    const since = this.#idleSince.get(peer)
    if (since === undefined) this.#idleSince.set(peer, now)
    return since !== undefined && now - since >= IDLE_MS + (peer.rttMs() || 0)
  }

  async #run(transfer: Transfer, peer: Peer, ordinals: readonly number[]): Promise<void> {
    const lengths = ordinals.map((ordinal) => transfer.lengthOf(ordinal))
    const bytes = lengths.reduce((sum, length) => sum + length, 0)
    const window = this.#window(peer)
    const askedMs = this.#needs.clock.elapsed()
    const request: Request = { askedMs, abort: new AbortController(), open: new Set(ordinals) }
    window.asked(bytes)
    this.#remember(transfer, peer, request)
    this.#late.look()
    let alive = this.#watch(peer, request)
    const receive = async (ordinal: number, piece: Uint8Array) => {
      alive()
      alive = this.#watch(peer, request)
      await this.#receive(transfer, peer, request, ordinal, piece)
      const hadRoom = window.room > 0
      window.came(piece.byteLength, this.#needs.clock.elapsed() - askedMs, peer.rttMs() || 0)
      if (!hadRoom && window.room > 0) this.#needs.room(peer)
    }
    let [refused, gone] = [false, false]
    try {
      await peer.fetchPieces(transfer.root, ordinals, lengths, receive, request.abort.signal)
    } catch (error) {
      gone = error instanceof PeerGone
      refused = !gone && !transfer.signal.aborted
      if (error instanceof FsError) this.#needs.failed(transfer, error)
      else if (refused && !(error instanceof PieceRefused) && !request.abort.signal.aborted)
        this.#needs.log.error({ host: peer.host, err: error }, `asking ${peer.host} for pieces failed; asking others`)
    } finally {
      alive()
      for (const ordinal of request.open) {
        if (refused) transfer.picker?.refused(peer.replica, ordinal)
        else transfer.picker?.released(peer.replica, ordinal)
      }
      this.#requests.get(transfer)?.get(peer)?.delete(request)
      window.ended(bytes)
      if (window.isEmpty) this.#idleSince.set(peer, this.#needs.clock.elapsed())
      if (gone) this.#needs.clock.after(GONE_MS, () => this.#needs.room(peer))
      else this.#needs.room(peer)
      if (refused) this.#needs.refused(transfer, peer)
    }
  }

  async #receive(transfer: Transfer, peer: Peer, request: Request, ordinal: number, bytes: Uint8Array): Promise<void> {
    if (!(await transfer.receive(ordinal, bytes))) return this.#badPiece(transfer, peer, ordinal)
    request.open.delete(ordinal)
    const others = transfer.picker?.received(ordinal, peer.replica) ?? []
    const late = this.#late.all().map(({ replica }) => replica)
    for (const other of [...others, ...late]) if (other !== peer.replica) this.#cancel(transfer, other, ordinal)
    this.#needs.got(transfer, ordinal)
  }

  #badPiece(transfer: Transfer, peer: Peer, ordinal: number): void {
    const count = (this.#bad.get(peer.replica) ?? 0) + 1
    this.#bad.set(peer.replica, count)
    this.#needs.log.warn(
      { host: peer.host, root: transfer.root, ordinal },
      `${peer.host} sent a piece that does not match its hash; thrown away, asking others`,
    )
    if (count < MOST_BAD_PIECES) return
    this.#bad.delete(peer.replica)
    peer.ban(`it sent ${count} pieces that do not match their hashes`)
  }

  /** Another host was faster: a request that only waited for this piece is cancelled. */
  #cancel(transfer: Transfer, replica: string, ordinal: number): void {
    for (const [peer, requests] of this.#requests.get(transfer) ?? []) {
      if (peer.replica !== replica) continue
      for (const request of requests)
        if (request.open.delete(ordinal) && request.open.size === 0) request.abort.abort(new Error('no longer needed'))
    }
  }

  /** Ends the request if nothing arrives for long; the returned function calls that off. */
  #watch(peer: Peer, request: Request): () => void {
    return this.#needs.clock.after(STALL_MS, () => {
      this.#needs.log.warn({ host: peer.host }, `${peer.host} has not delivered for 30 s; asking others instead`)
      request.abort.abort(new Error('stalled'))
    })
  }

  /** True when the peer could deliver what another, who is now passed over, sits on. */
  #isHeldUp(transfer: Transfer, peer: Peer): boolean {
    if (transfer.picker?.isAllAsked !== true) return false
    const others = this.#waitingFor([this.#requests.get(transfer) ?? new Map<Peer, Set<Request>>()])
    return this.#late.passOverAtTheEnd(new Map([...others].filter(([other]) => other !== peer)))
  }

  /** Each peer that is asked for something, and since when. */
  #waitingFor(asked: Iterable<ReadonlyMap<Peer, Set<Request>>> = this.#requests.values()): ReadonlyMap<Peer, number> {
    const since = new Map<Peer, number>()
    for (const peers of asked)
      for (const [peer, requests] of peers)
        for (const { askedMs } of requests) since.set(peer, Math.min(askedMs, since.get(peer) ?? Infinity))
    return since
  }

  /** Others may be asked for its pieces; what it sends all the same is welcome. */
  #passOver(peer: Peer): void {
    this.#eachOpen(peer, (transfer, ordinal) => transfer.picker?.released(peer.replica, ordinal))
  }

  #resume(peer: Peer): void {
    this.#eachOpen(peer, (transfer, ordinal) => transfer.picker?.resumed(peer.replica, ordinal))
    this.#needs.room(peer)
  }

  #eachOpen(peer: Peer, use: (transfer: Transfer, ordinal: number) => void): void {
    for (const [transfer, peers] of this.#requests)
      for (const request of peers.get(peer) ?? []) for (const ordinal of request.open) use(transfer, ordinal)
  }

  #remember(transfer: Transfer, peer: Peer, request: Request): void {
    const peers = this.#requests.get(transfer) ?? new Map<Peer, Set<Request>>()
    this.#requests.set(transfer, peers)
    const requests = peers.get(peer) ?? new Set()
    peers.set(peer, requests.add(request))
  }

  /** The peer is no more. */
  gone(peer: Peer): void {
    this.#late.forget(peer)
  }

  /** Ends what is under way for a transfer that ends. */
  forget(transfer: Transfer): void {
    for (const requests of this.#requests.get(transfer)?.values() ?? [])
      for (const request of requests) request.abort.abort(new Error('the transfer has ended'))
    this.#requests.delete(transfer)
  }

  #window(peer: Peer): RequestWindow {
    const window = this.#windows.get(peer) ?? new RequestWindow(peer.rttMs() || 0)
    this.#windows.set(peer, window)
    return window
  }
}
