/**
 * Where a peer is asked for pieces of one folder: a stream on its own connection, and one on each of its lanes while
 * there are any (lanes.ts). Then pieces leave its own connection to messages, which they would hold up.
 */
import { type Connection } from '@libp2p/interface'
import { type RootHash } from '../base/brand.ts'
import { type Clock } from '../base/clock.ts'
import { abortLane } from './lanes.ts'
import * as limits from './limits.ts'
import { type PeerGone } from './peer-port.ts'
import { type PieceRequester, type Receive } from './piece-requester.ts'

/** Credit grows with the round trip, up to MAX_CREDIT_BYTES: enough for 250 MB/s. */
const CREDIT_BYTES_PER_MS = 250_000
/** How often a lane is looked at: if nothing has come since, it is given up, and what it was asked for is asked again. */
const LOOK_AT_LANE_MS = 10_000

export interface PieceAskerNeeds {
  /** The peer's own connection. */
  readonly own: Connection
  readonly lanes: () => ReadonlySet<Connection>
  readonly rttMs: () => number
  /** Opens a stream to ask on. */
  readonly open: (connection: Connection, stream: AskingStream) => Promise<PieceRequester>
  readonly clock: Pick<Clock, 'after'>
}

/** What a stream needs of the one that asks on it. */
export interface AskingStream {
  readonly creditBytes: () => number
  /** Something has come. */
  readonly heard: () => void
  readonly ended: () => void
}

export class PieceAsker {
  readonly #needs: PieceAskerNeeds
  readonly #opening = new Map<Connection, Promise<PieceRequester>>()
  readonly #open = new Map<Connection, PieceRequester>()
  /** Lanes that are waited for, and whether something has come since it was last looked at. */
  readonly #watched = new Map<Connection, boolean>()
  #isGone = false

  constructor(needs: PieceAskerNeeds) {
    this.#needs = needs
  }

  /** Opens what there is to ask on, so that nobody waits for it later. */
  prepare(): void {
    if (this.#isGone) return
    for (const lane of this.#needs.lanes()) this.#openOn(lane).catch(() => {}) // then it is no lane any more
  }

  async fetchPieceList(root: RootHash, maxBytes: number, signal: AbortSignal): Promise<Uint8Array> {
    this.prepare()
    const requester = await this.#openOn(this.#needs.own)
    return requester.fetchPieceList(root, maxBytes, signal)
  }

  async fetchPieces(
    root: RootHash,
    ordinals: readonly number[],
    lengths: readonly number[],
    receive: Receive,
    signal: AbortSignal,
  ): Promise<void> {
    return this.#fetch((requester) => requester.fetchPieces(root, ordinals, lengths, receive, signal))
  }

  async fetchContents(
    roots: readonly RootHash[],
    lengths: readonly number[],
    receive: Receive,
    signal: AbortSignal,
  ): Promise<void> {
    return this.#fetch((requester) => requester.fetchContents(roots, lengths, receive, signal))
  }

  async #fetch(from: (requester: PieceRequester) => Promise<void>): Promise<void> {
    this.prepare()
    const [connection, requester] = this.#leastBusyLane() ?? [this.#needs.own, await this.#openOn(this.#needs.own)]
    const fetching = from(requester)
    if (connection !== this.#needs.own) this.#watch(connection, requester)
    return fetching
  }

  /** What one stream may have under way. */
  #creditBytes(): number {
    const byRtt = (this.#needs.rttMs() || 0) * CREDIT_BYTES_PER_MS
    const all = Math.min(limits.MAX_CREDIT_BYTES, Math.max(limits.MIN_CREDIT_BYTES, byRtt))
    return Math.max(limits.MIN_LANE_BYTES, all / Math.max(1, this.#open.size))
  }

  /** The peer has gone: everything under way fails. */
  gone(error: PeerGone): void {
    this.#isGone = true
    for (const requester of this.#open.values()) requester.gone(error)
    for (const opening of this.#opening.values())
      opening.then(
        (requester) => requester.gone(error),
        () => {},
      )
  }

  #leastBusyLane(): [Connection, PieceRequester] | null {
    const lanes = [...this.#open].filter(([connection]) => connection !== this.#needs.own)
    const busier = (a: PieceRequester, b: PieceRequester) => a.underWayBytes > b.underWayBytes
    return lanes.length === 0 ? null : lanes.reduce((least, other) => (busier(least[1], other[1]) ? other : least))
  }

  #openOn(connection: Connection): Promise<PieceRequester> {
    const known = this.#opening.get(connection)
    if (known !== undefined) return known
    const opening = this.#needs.open(connection, {
      creditBytes: () => this.#creditBytes(),
      heard: () => void (this.#watched.has(connection) && this.#watched.set(connection, true)),
      ended: () => this.#ended(connection),
    })
    this.#opening.set(connection, opening)
    const isStill = () => this.#opening.get(connection) === opening
    opening.then(
      (requester) => isStill() && this.#open.set(connection, requester),
      () => this.#ended(connection),
    )
    return opening
  }

  #ended(connection: Connection): void {
    this.#opening.delete(connection)
    this.#open.delete(connection)
    this.#watched.delete(connection)
    // A lane on which the peer does not answer is none: asked on again, it would refuse again, for ever.
    if (connection !== this.#needs.own && !this.#isGone) abortLane(connection, 'the peer takes it for no lane')
  }

  #watch(lane: Connection, requester: PieceRequester): void {
    if (!this.#watched.has(lane)) this.#lookAgain(lane, requester)
  }

  #lookAgain(lane: Connection, requester: PieceRequester): void {
    this.#watched.set(lane, false)
    this.#needs.clock.after(LOOK_AT_LANE_MS, () => {
      const heard = this.#watched.get(lane)
      if (heard === undefined || requester.underWayBytes === 0) return void this.#watched.delete(lane)
      if (heard) this.#lookAgain(lane, requester)
      else abortLane(lane, `nothing has come for ${LOOK_AT_LANE_MS / 1000} s`)
    })
  }
}
