/**
 * Decides which pieces of one content to ask of which peer, so that every byte leaves the source once and crosses each
 * slow link once (README, "Design"). Pure: no clock, no chance; the caller asks peers, and tells what comes of it.
 *
 * Peers that fetch the same content are receivers and trade; all others that have pieces of it are sources.
 *
 * `pick` of a receiver: what it has, the rarest first. Of a far receiver only what no near one has or will fetch.
 * `pick` of a source: source-rules.ts. Some of its rules leave pieces alone that are most likely on their way to us
 * already. The caller lifts that, and has pieces asked of a second peer (endgame.ts), by `hurry`.
 */
import { assert } from '../base/assert.ts'
import { Deliveries } from './deliveries.ts'
import { pickTwice } from './endgame.ts'
import { Flights } from './flights.ts'
import { type PiecePickerOptions, PickRound, type PickState } from './pick-round.ts'
import { type Have, PieceSet } from './piece-set.ts'
import { pickFromSource } from './source-rules.ts'
import { type PeerKey, type Receiver, SwarmView } from './swarm-view.ts'

export class PiecePicker {
  readonly #state: PickState
  /** Grows when a receiver tells of a piece that none had: the swarm goes on, and patience pays. */
  #spread = 0
  #missingBytes = 0

  constructor(options: PiecePickerOptions) {
    const { count } = options
    const [got, open, unspread] = [new PieceSet(count), PieceSet.full(count), new PieceSet(count)]
    this.#state = {
      ...options,
      patient: options.patient === true,
      swarm: new SwarmView(options),
      got,
      open,
      firstOpenWord: 0,
      flights: new Flights(),
      deliveries: new Deliveries(),
      unspread,
    }
    for (let i = 0; i < count; i++) this.#missingBytes += options.lengthOf(i)
  }

  /** Pieces that are not here yet, in flight or not. */
  get missing(): number {
    return this.#state.count - this.#state.got.size
  }

  get missingBytes(): number {
    return this.#missingBytes
  }

  /** True when all that is missing has been asked of somebody. */
  get isAllAsked(): boolean {
    return this.#state.open.size === 0
  }

  /** True if some peer has some of what is missing. */
  get isOffered(): boolean {
    return this.#state.swarm.offers((ordinal) => !this.#state.got.has(ordinal))
  }

  has(ordinal: number): boolean {
    return this.#state.got.has(ordinal)
  }

  /** What we have, as the wire has it: bit i of byte i >> 3 is piece i. A copy. */
  bitmap(): Uint8Array {
    return this.#state.got.bitmap()
  }

  /** A piece is here, from wherever. Idempotent. */
  gotPiece(ordinal: number): void {
    if (!this.#state.got.add(ordinal)) return
    this.#state.flights.land(ordinal)
    this.#state.open.delete(ordinal)
    this.#missingBytes -= this.#state.lengthOf(ordinal)
  }

  /** A peer tells all that it has: replaces what was known of it. */
  peerHas(peer: PeerKey, have: Have): void {
    this.#state.swarm.has(peer, have)
    if (!this.#state.swarm.receivers.has(peer)) return
    const pieces = this.#state.swarm.piecesOf(peer)
    if (pieces !== null) this.#state.unspread.deleteAll(pieces)
  }

  /** A peer tells what it has got since. */
  peerGained(peer: PeerKey, ordinals: readonly number[]): void {
    for (const ordinal of ordinals) {
      const rare = this.#state.swarm.levels[0]!.has(ordinal)
      this.#state.swarm.gained(peer, ordinal)
      if (rare && !this.#state.swarm.levels[0]!.has(ordinal)) this.#spread++
      if (this.#state.swarm.receivers.has(peer)) this.#state.unspread.delete(ordinal)
    }
  }

  /** A peer is no longer there: what it was asked for is free again. */
  peerGone(peer: PeerKey): void {
    for (const ordinal of this.#state.flights.pieces()) this.released(peer, ordinal)
    this.#state.swarm.gone(peer)
    this.#state.flights.forget(peer)
    this.#state.deliveries.forget(peer)
  }

  /**
   * All peers that are fetching this content now (not ourselves). Tell it before the first `pick`: receivers that do
   * not know of each other all ask the source for the same pieces. As long as we are patient, who is ready counts on:
   * what it has need not leave the source again.
   */
  setReceivers(receivers: readonly Receiver[]): void {
    const { swarm, self, patient } = this.#state
    const others = new Map(receivers.filter(({ peer }) => peer !== self).map((receiver) => [receiver.peer, receiver]))
    swarm.setReceivers([...new Map([...(patient ? swarm.receivers : []), ...others]).values()])
  }

  /**
   * The pieces to ask of `peer` now, in this order, at most `maxBytes` together (any piece fits into MAX_PIECE_BYTES);
   * they are in flight from then on. Nothing is a good answer. Ask again when the peer has told of new pieces, and when
   * something in flight from it has come, was refused or released.
   *
   * `hurry`: the peer has had room and nothing to do for a while (a quarter second and its round trip), although pieces
   * are missing. To be tried again and again, as long as that is so: else a peer that is stuck stops us for ever.
   */
  pick(peer: PeerKey, maxBytes: number, hurry = false): number[] {
    const pieces = this.#state.swarm.piecesOf(peer)
    if (pieces === null || pieces.size === 0 || this.missing === 0) return []
    const { patient } = this.#state
    const hurried = hurry && !patient ? this.#state.flights.hurry(peer, this.#spread) : 0
    const round = new PickRound(this.#state, peer, pieces, { maxBytes, hurried })
    this.#skipFront()
    const receiver = this.#state.swarm.receivers.get(peer)
    if (receiver === undefined) pickFromSource(this.#state, round)
    else this.#pickFromReceiver(round, receiver)
    if (this.#state.open.size === 0 && !patient) pickTwice(this.#state, round)
    if (!hurry && round.picked.length > 0) this.#state.flights.calm(peer)
    return round.picked
  }

  /** A verified piece has come from `peer` and is here. Returns the others that were asked for it, to be cancelled. */
  received(ordinal: number, peer: PeerKey): readonly PeerKey[] {
    if (this.#state.got.has(ordinal)) return []
    this.#state.deliveries.came(peer)
    const others = this.#state.flights.askedFor(ordinal).filter((asked) => asked !== peer)
    const trading = this.#state.swarm.receivers.size > 0 && !this.#state.swarm.receivers.has(peer)
    if (trading && this.#state.swarm.levels[0]!.has(ordinal)) this.#state.unspread.add(ordinal)
    this.gotPiece(ordinal)
    return others
  }

  /** The peer does not have the piece after all, or sent a bad one: it is not asked for it again. */
  refused(peer: PeerKey, ordinal: number): void {
    this.#state.swarm.lost(peer, ordinal)
    this.released(peer, ordinal)
  }

  /** The peer is not going to send the piece that it was asked for (the request ended); it still has it. */
  released(peer: PeerKey, ordinal: number): void {
    if (!this.#state.flights.release(peer, ordinal)) return
    assert(!this.#state.got.has(ordinal), 'a piece that is here was still in flight')
    this.#state.open.add(ordinal)
    this.#state.firstOpenWord = Math.min(this.#state.firstOpenWord, ordinal >>> 5)
  }

  /** It is going to send a piece that was released, after all. Nothing changes where another has been asked meanwhile. */
  resumed(peer: PeerKey, ordinal: number): void {
    if (this.#state.open.delete(ordinal)) this.#state.flights.ask(peer, ordinal)
  }

  /** Nothing comes, though `source` has nothing to do: who has a share of it does not fetch it. It is patient no longer. */
  hasten(source: PeerKey): void {
    const { swarm } = this.#state
    if (swarm.piecesOf(source) !== null && !swarm.receivers.has(source)) this.#state.patient = false
  }

  #pickFromReceiver(round: PickRound, receiver: Receiver): void {
    const wanted = receiver.near ? [] : this.#oursIntoTheSite()
    for (const level of this.#state.swarm.levels.slice(1)) round.take([level, ...wanted])
    round.take([], round.hurried)
  }

  /** Pieces that we, and none of the near receivers, should fetch from another site. */
  #oursIntoTheSite(): readonly PieceSet[] {
    return [this.#state.swarm.siteShares.of.get(this.#state.self)!, this.#state.swarm.notNear]
  }

  #skipFront(): void {
    const { words } = this.#state.open
    while (this.#state.firstOpenWord < words.length && words[this.#state.firstOpenWord] === 0)
      this.#state.firstOpenWord++
  }
}
