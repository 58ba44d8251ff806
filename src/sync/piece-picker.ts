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
 * other receiver has taken yet, fetches no more: others find that share the largest left, and steal it.
 */
import { assert } from '../base/assert.ts'
import { type RootHash } from '../base/brand.ts'
import { common, countCommon, type Have, PieceSet } from './piece-set.ts'
import { type Shares, sharesOf } from './shares.ts'
import { type PeerKey, type Receiver, SwarmView } from './swarm-view.ts'

/** Pieces of a share (2 MiB or so) that its owner most likely has under way, or has and not told yet. */
const UNDER_WAY_PIECES = 16
/** Pieces (8 MiB or so) that we fetched from sources and no other receiver has: more is not asked for. */
const MOST_UNSPREAD_PIECES = 64
/** Pieces that `hurry` adds to that limit at a time. */
const HURRIED_PIECES = 8
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
  readonly hurry: boolean
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
  /** In flight: who has been asked, in the order asked. */
  readonly #asked = new Map<number, readonly PeerKey[]>()
  /** Fetched from a source and seen at no other receiver. */
  readonly #unspread: PieceSet
  #missingBytes = 0
  #shares: Shares | null = null
  #siteShares: Shares | null = null

  constructor(options: PiecePickerOptions) {
    const { count } = options
    this.#options = options
    this.#swarm = new SwarmView(count)
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
    this.#asked.delete(ordinal)
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
      this.#swarm.gained(peer, ordinal)
      if (this.#swarm.receivers.has(peer)) this.#unspread.delete(ordinal)
    }
  }

  /** A peer is no longer there: what it was asked for is free again. */
  peerGone(peer: PeerKey): void {
    for (const ordinal of [...this.#asked.keys()]) this.#release(peer, ordinal)
    if (this.#swarm.receivers.has(peer)) this.#forgetShares()
    this.#swarm.gone(peer)
  }

  /**
   * All peers that are fetching this content now (not ourselves). Tell it before the first `pick`: receivers that do
   * not know of each other all ask the source for the same pieces.
   */
  setReceivers(receivers: readonly Receiver[]): void {
    this.#swarm.setReceivers(receivers.filter(({ peer }) => peer !== this.#options.self))
    this.#forgetShares()
  }

  /**
   * The pieces to ask of `peer` now, in this order, at most `maxBytes` together; they are in flight from then on. A
   * longest piece always fits into MAX_PIECE_BYTES. Nothing is a good answer: the peer is asked again when it has told
   * of new pieces, or when something that was in flight has come, was refused or is free again.
   *
   * `hurry`: this peer has had room and nothing to do for a while (a quarter second and its round trip), although
   * pieces are missing. Then it is also asked for what is most likely on its way from others, also a second time.
   */
  pick(peer: PeerKey, maxBytes: number, hurry = false): number[] {
    const pieces = this.#swarm.piecesOf(peer)
    if (pieces === null || pieces.size === 0 || this.missing === 0) return []
    const round: Round = { peer, pieces, hurry, picked: [], room: maxBytes }
    this.#skipFront()
    const receiver = this.#swarm.receivers.get(peer)
    if (receiver === undefined) this.#pickFromSource(round)
    else this.#pickFromReceiver(round, receiver)
    if (this.#open.size === 0) this.#pickTwice(round)
    return round.picked
  }

  /** A verified piece has come from `peer` and is here. Returns the others that were asked for it, to be cancelled. */
  received(ordinal: number, peer: PeerKey): readonly PeerKey[] {
    if (this.#got.has(ordinal)) return []
    const others = (this.#asked.get(ordinal) ?? []).filter((asked) => asked !== peer)
    if (!this.#swarm.receivers.has(peer) && this.#swarm.levels[0]!.has(ordinal)) this.#unspread.add(ordinal)
    this.gotPiece(ordinal)
    return others
  }

  /** The peer does not have the piece after all, or sent a bad one: it is not asked for it again. */
  refused(peer: PeerKey, ordinal: number): void {
    this.#swarm.lost(peer, ordinal)
    this.#release(peer, ordinal)
  }

  /** The peer is not going to send the piece that it was asked for (the request ended); it still has it. */
  released(peer: PeerKey, ordinal: number): void {
    this.#release(peer, ordinal)
  }

  #pickFromReceiver(round: Round, receiver: Receiver): void {
    const wanted = receiver.near ? [] : this.#oursIntoTheSite()
    for (const level of this.#swarm.levels.slice(1)) this.#take(round, [level, ...wanted])
    if (round.hurry) this.#take(round, [])
  }

  /** Pieces that we, and none of the near receivers, should fetch from another site. */
  #oursIntoTheSite(): readonly PieceSet[] {
    const near = [...this.#swarm.receivers.values()].filter((receiver) => receiver.near)
    this.#siteShares ??= this.#sharesWith(near)
    return [this.#siteShares.of.get(this.#options.self)!, this.#swarm.notNear]
  }

  #pickFromSource(round: Round): void {
    const shares = (this.#shares ??= this.#sharesWith([...this.#swarm.receivers.values()]))
    const rare = this.#swarm.levels[0]!
    const most = this.#mostUnspread(round.hurry)
    const taken = this.#take(round, [rare, shares.of.get(this.#options.self)!], most)
    this.#steal(round, rare, shares, most - taken)
    if (!round.hurry && countCommon([this.#open, round.pieces, rare], this.#firstOpenWord) > 0) return
    this.#takeTraded(round, shares)
  }

  /** How many more pieces that no receiver has we may fetch. */
  #mostUnspread(hurry: boolean): number {
    if (this.#swarm.receivers.size === 0) return Infinity
    return Math.max(hurry ? HURRIED_PIECES : 0, MOST_UNSPREAD_PIECES - this.#unspread.size)
  }

  /** From the end of the largest share left, but for what its owner most likely has under way. */
  #steal(round: Round, rare: PieceSet, shares: Shares, most: number): void {
    if (round.room === 0 || most <= 0 || shares.of.size === 1) return
    const left = [...shares.of.values()].map((share) => ({
      share,
      pieces: countCommon([this.#open, rare, share], this.#firstOpenWord) - (round.hurry ? 0 : UNDER_WAY_PIECES),
    }))
    left.sort((a, b) => b.pieces - a.pieces)
    let room = most
    for (const { share, pieces } of left) {
      for (const part of [[shares.inherited], []]) {
        if (Math.min(pieces, room) > 0) room -= this.#take(round, [rare, share, ...part], Math.min(pieces, room), true)
      }
    }
  }

  /** What receivers have and cannot send fast enough: each of us another part of it. */
  #takeTraded(round: Round, shares: Shares): void {
    for (const part of [[shares.of.get(this.#options.self)!], [shares.inherited], []]) {
      const most = round.hurry ? Infinity : this.#open.size - UNDER_WAY_PIECES
      if (most > 0) this.#take(round, part, most)
    }
  }

  /** Everything missing is in flight: asks for the oldest of it a second time. */
  #pickTwice(round: Round): void {
    const { count } = this.#options
    const few = this.missing <= Math.min(ENDGAME_PIECES, count / ENDGAME_SHARE)
    if (!round.hurry && !(few && this.#swarm.receivers.size === 0)) return
    for (const [ordinal, peers] of this.#asked) {
      const can = peers.length < MOST_ASKED && !peers.includes(round.peer) && round.pieces.has(ordinal)
      if (can && !this.#ask(round, ordinal)) return
    }
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
    this.#asked.set(ordinal, [...(this.#asked.get(ordinal) ?? []), round.peer])
    return true
  }

  #release(peer: PeerKey, ordinal: number): void {
    const peers = this.#asked.get(ordinal)
    if (peers?.includes(peer) !== true) return
    const others = peers.filter((asked) => asked !== peer)
    if (others.length > 0) return void this.#asked.set(ordinal, others)
    assert(!this.#got.has(ordinal), 'a piece that is here was still in flight')
    this.#asked.delete(ordinal)
    this.#open.add(ordinal)
    this.#firstOpenWord = Math.min(this.#firstOpenWord, ordinal >>> 5)
  }

  #skipFront(): void {
    const { words } = this.#open
    while (this.#firstOpenWord < words.length && words[this.#firstOpenWord] === 0) this.#firstOpenWord++
  }

  #sharesWith(receivers: readonly Receiver[]): Shares {
    const { count, seed, self } = this.#options
    return sharesOf(count, seed, [self, ...receivers.map(({ peer }) => peer)], self)
  }

  #forgetShares(): void {
    this.#shares = null
    this.#siteShares = null
  }
}
