/** One call of `pick`: takes pieces for one peer while they fit, and marks them as in flight. */
import { type RootHash } from '../base/brand.ts'
import { type Deliveries } from './deliveries.ts'
import { type Flights } from './flights.ts'
import { common, countCommon, type PieceSet } from './piece-set.ts'
import { type PeerKey, type SwarmView } from './swarm-view.ts'

export interface PiecePickerOptions {
  readonly count: number
  /** Bytes of a piece. */
  readonly lengthOf: (ordinal: number) => number
  readonly self: PeerKey
  readonly seed: RootHash
  /** Nobody waits for its end: nothing is asked for twice, or of its source for others, until `hasten`. */
  readonly patient?: boolean
}

/** What a receiver knows of its own transfer and the swarm around it (piece-picker.ts). */
export interface PickState extends PiecePickerOptions {
  readonly swarm: SwarmView
  patient: boolean
  readonly got: PieceSet
  /** Neither got nor in flight. */
  readonly open: PieceSet
  /** No open piece lies before this word of the sets: the front of a transfer is not looked through again. */
  firstOpenWord: number
  readonly flights: Flights
  readonly deliveries: Deliveries
  /** Fetched from a source and seen at no other receiver. */
  readonly unspread: PieceSet
}

/**
 * Pieces of a share that its owner has and has not told yet (2 MiB or so, at 200 Mbit/s). It also has some under way:
 * as many, we suppose, as we had at most of the same peer.
 */
const UNTOLD_PIECES = 16

export class PickRound {
  readonly peer: PeerKey
  /** What the peer has. */
  readonly pieces: PieceSet
  /** Pieces to take beyond the rules; 0 without hurry. */
  readonly hurried: number
  readonly picked: number[] = []
  /** Bytes that may still be asked for; 0 once a piece did not fit. */
  room: number
  readonly #state: PickState

  constructor(state: PickState, peer: PeerKey, pieces: PieceSet, options: { maxBytes: number; hurried: number }) {
    this.#state = state
    this.peer = peer
    this.pieces = pieces
    this.hurried = options.hurried
    this.room = options.maxBytes
  }

  /** Open pieces that are in all of `sets`. */
  openIn(...sets: readonly PieceSet[]): number {
    return countCommon([this.#state.open, ...sets], this.#state.firstOpenWord)
  }

  /** Pieces that another receiver most likely has under way from this peer, or has and not told yet. */
  get underWay(): number {
    return UNTOLD_PIECES + this.#state.flights.most(this.peer)
  }

  /** Takes up to `most` open pieces that the peer and all of `sets` have; returns how many. */
  take(sets: readonly PieceSet[], most = Infinity, backward = false): number {
    let taken = 0
    if (this.room === 0 || most <= 0) return 0
    const { open, firstOpenWord } = this.#state
    common([open, this.pieces, ...sets], { from: firstOpenWord, backward }, (ordinal) => {
      if (!this.ask(ordinal)) return false
      return ++taken < most
    })
    return taken
  }

  /** Takes up to `most` pieces that are in all of `sets`, from the end, so that each of us takes others at first. */
  takeParts(sets: readonly PieceSet[], most: number): number {
    const { shares } = this.#state.swarm
    let taken = 0
    for (const part of [[shares.of.get(this.#state.self)!], [shares.inherited], []])
      taken += this.take([...sets, ...part], most - taken, true)
    return taken
  }

  /** False if the piece does not fit into this round any more. */
  ask(ordinal: number): boolean {
    const bytes = this.#state.lengthOf(ordinal)
    if (bytes > this.room) {
      this.room = 0
      return false
    }
    this.room -= bytes
    this.picked.push(ordinal)
    this.#state.open.delete(ordinal)
    this.#state.flights.ask(this.peer, ordinal)
    return true
  }
}
