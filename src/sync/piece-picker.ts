/**
 * Decides which pieces of one content to ask of which peer, so that every byte leaves the source once and crosses each
 * slow link once (README, "Design"). Pure: no clock, no chance; the caller asks peers, and tells what comes of it.
 *
 * Peers that fetch the same content are receivers and trade; all others that have pieces of it are sources.
 *
 * `pick` of a receiver: what it has, the rarest first. Of a far receiver only what no near one has or will fetch.
 * `pick` of a source, in this order, each step only if the one before left room:
 *   1. of the pieces that no receiver has, our own share (shares.ts), in the order of the file
 *   2. of the same, from the end of the largest share left: its owner is slower than we
 *   3. when none such are left anywhere: what the receivers have but cannot send fast enough
 * Steps 2 and 3 leave some pieces alone that are most likely on their way to us already. The caller lifts that, and
 * has pieces asked of a second peer, by `hurry`.
 *
 * A host whose own uplink is slow would take its share and sit on it. So who has fetched much from a source that no
 * other receiver has taken yet, fetches no more: others find that share the largest left, and steal it. Unless all
 * others are far behind: then it is their downlinks that are slow, and nobody is helped by waiting.
 */
import { assert } from '../base/assert.ts'
import { type RootHash } from '../base/brand.ts'
import { Flights } from './flights.ts'
import { common, countCommon, type Have, PieceSet } from './piece-set.ts'
import { type Shares } from './shares.ts'
import { type PeerKey, type Receiver, SwarmView } from './swarm-view.ts'

/**
 * Pieces of a share that its owner has and has not told yet (2 MiB or so, at 200 Mbit/s). It also has some under way:
 * as many, we suppose, as we had at most of the same peer.
 */
const UNTOLD_PIECES = 16
/** Near the end, pieces are asked of a second source without hurry: at most so many, */
const ENDGAME_PIECES = 8
/** and at most one of so many, so that small contents are not fetched twice. */
const ENDGAME_SHARE = 64
/** Peers that are asked for the same piece. */
const MOST_ASKED = 2

export interface PiecePickerOptions {
  readonly count: number
  /** Bytes of a piece. */
  readonly lengthOf: (ordinal: number) => number
  readonly self: PeerKey
  readonly seed: RootHash
}

/** One call of `pick`. */
interface Round {
  readonly peer: PeerKey
  readonly pieces: PieceSet
  /** Pieces to take beyond the rules; 0 without hurry. */
  readonly hurried: number
  readonly picked: number[]
  /** Bytes that may still be asked for; 0 once a piece did not fit. */
  room: number
}

export class PiecePicker {
  readonly #options: PiecePickerOptions
  readonly #swarm: SwarmView
  readonly #got: PieceSet
  /** Neither got nor in flight. */
  readonly #open: PieceSet
  /** No open piece lies before this word of the sets: the front of a transfer is not looked through again. */
  #firstOpenWord = 0
  readonly #flights = new Flights()
  /** Fetched from a source and seen at no other receiver. */
  readonly #unspread: PieceSet
  /** Grows when a receiver tells of a piece that none had: the swarm goes on, and patience pays. */
  #spread = 0
  #missingBytes = 0

  constructor(options: PiecePickerOptions) {
    const { count } = options
    this.#options = options
    this.#swarm = new SwarmView(options)
    this.#got = new PieceSet(count)
    this.#open = PieceSet.full(count)
    this.#unspread = new PieceSet(count)
    for (let i = 0; i < count; i++) this.#missingBytes += options.lengthOf(i)
  }

  /** Pieces that are not here yet, in flight or not. */
  get missing(): number {
    return this.#options.count - this.#got.size
  }

  get missingBytes(): number {
    return this.#missingBytes
  }

  /** True when all that is missing has been asked of somebody. */
  get isAllAsked(): boolean {
    return this.#open.size === 0
  }

  /** True if some peer has some of what is missing. */
  get isOffered(): boolean {
    return this.#swarm.offers((ordinal) => !this.#got.has(ordinal))
  }

  has(ordinal: number): boolean {
    return this.#got.has(ordinal)
  }

  /** What we have, as the wire has it: bit i of byte i >> 3 is piece i. A copy. */
  bitmap(): Uint8Array {
    return this.#got.bitmap()
  }

  /** A piece is here, from wherever. Idempotent. */
  gotPiece(ordinal: number): void {
    if (!this.#got.add(ordinal)) return
    this.#flights.land(ordinal)
    this.#open.delete(ordinal)
    this.#missingBytes -= this.#options.lengthOf(ordinal)
  }

  /** A peer tells all that it has: replaces what was known of it. */
  peerHas(peer: PeerKey, have: Have): void {
    this.#swarm.has(peer, have)
    if (!this.#swarm.receivers.has(peer)) return
    this.#swarm.piecesOf(peer)?.each((ordinal) => this.#unspread.delete(ordinal))
  }

  /** A peer tells what it has got since. */
  peerGained(peer: PeerKey, ordinals: readonly number[]): void {
    for (const ordinal of ordinals) {
      const rare = this.#swarm.levels[0]!.has(ordinal)
      this.#swarm.gained(peer, ordinal)
      if (rare && !this.#swarm.levels[0]!.has(ordinal)) this.#spread++
      if (this.#swarm.receivers.has(peer)) this.#unspread.delete(ordinal)
    }
  }

  /** A peer is no longer there: what it was asked for is free again. */
  peerGone(peer: PeerKey): void {
    for (const ordinal of this.#flights.pieces()) this.released(peer, ordinal)
    this.#swarm.gone(peer)
    this.#flights.forget(peer)
  }

  /**
   * All peers that are fetching this content now (not ourselves). Tell it before the first `pick`: receivers that do
   * not know of each other all ask the source for the same pieces.
   */
  setReceivers(receivers: readonly Receiver[]): void {
    this.#swarm.setReceivers(receivers.filter(({ peer }) => peer !== this.#options.self))
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
    const pieces = this.#swarm.piecesOf(peer)
    if (pieces === null || pieces.size === 0 || this.missing === 0) return []
    const hurried = hurry ? this.#flights.hurry(peer, this.#spread) : 0
    const round: Round = { peer, pieces, hurried, picked: [], room: maxBytes }
    this.#skipFront()
    const receiver = this.#swarm.receivers.get(peer)
    if (receiver === undefined) this.#pickFromSource(round)
    else this.#pickFromReceiver(round, receiver)
    if (this.#open.size === 0) this.#pickTwice(round)
    if (!hurry && round.picked.length > 0) this.#flights.calm(peer)
    return round.picked
  }

  /** A verified piece has come from `peer` and is here. Returns the others that were asked for it, to be cancelled. */
  received(ordinal: number, peer: PeerKey): readonly PeerKey[] {
    if (this.#got.has(ordinal)) return []
    const others = this.#flights.askedFor(ordinal).filter((asked) => asked !== peer)
    const trading = this.#swarm.receivers.size > 0 && !this.#swarm.receivers.has(peer)
    if (trading && this.#swarm.levels[0]!.has(ordinal)) this.#unspread.add(ordinal)
    this.gotPiece(ordinal)
    return others
  }

  /** The peer does not have the piece after all, or sent a bad one: it is not asked for it again. */
  refused(peer: PeerKey, ordinal: number): void {
    this.#swarm.lost(peer, ordinal)
    this.released(peer, ordinal)
  }

  /** The peer is not going to send the piece that it was asked for (the request ended); it still has it. */
  released(peer: PeerKey, ordinal: number): void {
    if (!this.#flights.release(peer, ordinal)) return
    assert(!this.#got.has(ordinal), 'a piece that is here was still in flight')
    this.#open.add(ordinal)
    this.#firstOpenWord = Math.min(this.#firstOpenWord, ordinal >>> 5)
  }

  /** It is going to send a piece that was released, after all. Nothing changes where another has been asked meanwhile. */
  resumed(peer: PeerKey, ordinal: number): void {
    if (this.#open.delete(ordinal)) this.#flights.ask(peer, ordinal)
  }

  #pickFromReceiver(round: Round, receiver: Receiver): void {
    const wanted = receiver.near ? [] : this.#oursIntoTheSite()
    for (const level of this.#swarm.levels.slice(1)) this.#take(round, [level, ...wanted])
    this.#take(round, [], round.hurried)
  }

  /** Pieces that we, and none of the near receivers, should fetch from another site. */
  #oursIntoTheSite(): readonly PieceSet[] {
    return [this.#swarm.siteShares.of.get(this.#options.self)!, this.#swarm.notNear]
  }

  #pickFromSource(round: Round): void {
    const { shares } = this.#swarm
    const rare = this.#swarm.levels[0]!
    const most = this.#isFarAhead(round) ? Infinity : this.#underWay(round) - this.#unspread.size
    const own = this.#take(round, [rare, shares.of.get(this.#options.self)!], most)
    this.#steal(round, rare, shares, most - own)
    if (round.room === 0) return
    const rareLeft = countCommon([this.#open, round.pieces, rare], this.#firstOpenWord) > 0
    if (!rareLeft && this.#receiversAreBusy())
      this.#takeParts(round, shares, [], this.#open.size - this.#underWay(round))
    if (round.picked.length === 0) this.#takeParts(round, shares, [], round.hurried)
  }

  /** True without other receivers, or when all have told of some, but far less than half of what we have. */
  #isFarAhead(round: Round): boolean {
    let most = 0
    for (const peer of this.#swarm.receivers.keys()) most = Math.max(most, this.#swarm.piecesOf(peer)?.size ?? 0)
    return this.#swarm.receivers.size === 0 || (most > 0 && this.#got.size > 2 * most + this.#underWay(round) / 2)
  }

  /** Each receiver that has open pieces is at work for us. */
  #receiversAreBusy(): boolean {
    for (const peer of this.#swarm.receivers.keys()) {
      const pieces = this.#swarm.piecesOf(peer)
      if (pieces === null || this.#flights.isBusy(peer)) continue
      if (countCommon([this.#open, pieces], this.#firstOpenWord) > 0) return false
    }
    return true
  }

  /** From the end of the largest share left, but for what its owner most likely has under way. */
  #steal(round: Round, rare: PieceSet, shares: Shares, most: number): void {
    if (round.room === 0 || most <= 0 || shares.of.size === 1) return
    const left = [...shares.of.values()].map((share) => ({
      share,
      pieces: countCommon([this.#open, rare, share], this.#firstOpenWord) - this.#underWay(round),
    }))
    left.sort((a, b) => b.pieces - a.pieces)
    let room = most
    for (const { share, pieces } of left) room -= this.#takeParts(round, shares, [rare, share], Math.min(pieces, room))
  }

  /** Takes up to `most` pieces that are in all of `sets`, from the end, so that each of us takes others at first. */
  #takeParts(round: Round, shares: Shares, sets: readonly PieceSet[], most: number): number {
    let taken = 0
    for (const part of [[shares.of.get(this.#options.self)!], [shares.inherited], []])
      taken += this.#take(round, [...sets, ...part], most - taken, true)
    return taken
  }

  /** Pieces that another receiver most likely has under way from the peer of this round, or has and not told yet. */
  #underWay(round: Round): number {
    return UNTOLD_PIECES + this.#flights.most(round.peer)
  }

  /** Everything missing is in flight: asks for some of it a second time, the oldest first, each of us for another. */
  #pickTwice(round: Round): void {
    const { count } = this.#options
    const alone = this.#swarm.receivers.size === 0
    const few = alone && this.missing <= Math.min(ENDGAME_PIECES, count / ENDGAME_SHARE)
    const most = few ? ENDGAME_PIECES : round.hurried
    if (most === 0) return
    const once = this.#flights
      .pieces()
      .filter((ordinal) => round.pieces.has(ordinal) && this.#mayAskToo(round, ordinal))
    const inherited = once.filter((ordinal) => this.#swarm.shares.inherited.has(ordinal))
    for (const ordinal of new Set([...inherited, ...once]))
      if (round.picked.length >= most || !this.#ask(round, ordinal)) return
  }

  #mayAskToo(round: Round, ordinal: number): boolean {
    const asked = this.#flights.askedFor(ordinal)
    return asked.length < MOST_ASKED && !asked.includes(round.peer)
  }

  /** Takes up to `most` open pieces that the peer and all of `sets` have; returns how many. */
  #take(round: Round, sets: readonly PieceSet[], most = Infinity, backward = false): number {
    let taken = 0
    if (round.room === 0 || most <= 0) return 0
    const order = { from: this.#firstOpenWord, backward }
    common([this.#open, round.pieces, ...sets], order, (ordinal) => {
      if (!this.#ask(round, ordinal)) return false
      return ++taken < most
    })
    return taken
  }

  /** False if the piece does not fit into this round any more. */
  #ask(round: Round, ordinal: number): boolean {
    const bytes = this.#options.lengthOf(ordinal)
    if (bytes > round.room) {
      round.room = 0
      return false
    }
    round.room -= bytes
    round.picked.push(ordinal)
    this.#open.delete(ordinal)
    this.#flights.ask(round.peer, ordinal)
    return true
  }

  #skipFront(): void {
    const { words } = this.#open
    while (this.#firstOpenWord < words.length && words[this.#firstOpenWord] === 0) this.#firstOpenWord++
  }
}
