/** Pieces in flight: who has been asked for which, and how much of a hurry a peer may be asked in. */
import { type PeerKey } from './swarm-view.ts'

/** Pieces that a hurried pick may take beyond the rules, and, twice as many each time, the ones that follow. */
const FIRST_HURRIED_PIECES = 8
const MOST_HURRIED_PIECES = 64

/** What one peer has been asked for. */
interface Flight {
  /** Pieces in flight from it, now and at most so far. */
  pieces: number
  mostPieces: number
  /** Pieces that the next hurried pick may take. */
  hurried: number
  /** What the swarm had spread when it was last hurried. */
  spread: number
}

export class Flights {
  /** In the order asked. */
  readonly #asked = new Map<number, readonly PeerKey[]>()
  readonly #peers = new Map<PeerKey, Flight>()

  /** Those that were asked for a piece; none if it is not in flight. */
  askedFor(ordinal: number): readonly PeerKey[] {
    return this.#asked.get(ordinal) ?? []
  }

  /** The pieces in flight, those asked for first in front. */
  pieces(): readonly number[] {
    return [...this.#asked.keys()]
  }

  /** Whether a peer has something to deliver. */
  isBusy(peer: PeerKey): boolean {
    return (this.#peers.get(peer)?.pieces ?? 0) > 0
  }

  /** The most pieces that were ever in flight from a peer at a time. */
  most(peer: PeerKey): number {
    return this.#peers.get(peer)?.mostPieces ?? 0
  }

  ask(peer: PeerKey, ordinal: number): void {
    this.#asked.set(ordinal, [...this.askedFor(ordinal), peer])
    const flight = this.#of(peer)
    flight.pieces++
    flight.mostPieces = Math.max(flight.mostPieces, flight.pieces)
  }

  /** In flight from `peer` -> no longer. True if nobody else is asked for it, so that it is free again. */
  release(peer: PeerKey, ordinal: number): boolean {
    const asked = this.askedFor(ordinal)
    if (!asked.includes(peer)) return false
    this.#of(peer).pieces--
    const others = asked.filter((other) => other !== peer)
    if (others.length > 0) this.#asked.set(ordinal, others)
    else this.#asked.delete(ordinal)
    return others.length === 0
  }

  /** In flight -> here. */
  land(ordinal: number): void {
    for (const peer of this.askedFor(ordinal)) this.#of(peer).pieces--
    this.#asked.delete(ordinal)
  }

  /** Forgets a peer from which nothing is in flight. */
  forget(peer: PeerKey): void {
    this.#peers.delete(peer)
  }

  /**
   * How many pieces beyond the rules a hurried pick of `peer` may take: none while it still has something to deliver,
   * and none if new pieces have spread in the swarm since it was last hurried (patience pays); else twice as many as
   * the last time.
   */
  hurry(peer: PeerKey, spread: number): number {
    if (this.isBusy(peer)) return 0
    const flight = this.#of(peer)
    const patient = flight.spread !== spread
    flight.spread = spread
    if (patient) flight.hurried = FIRST_HURRIED_PIECES
    const hurried = patient ? 0 : flight.hurried
    flight.hurried = Math.min(flight.hurried + hurried, MOST_HURRIED_PIECES)
    return hurried
  }

  /** The peer had something to deliver without hurry. */
  calm(peer: PeerKey): void {
    this.#of(peer).hurried = FIRST_HURRIED_PIECES
  }

  #of(peer: PeerKey): Flight {
    const flight = this.#peers.get(peer) ?? { pieces: 0, mostPieces: 0, hurried: FIRST_HURRIED_PIECES, spread: -1 }
    this.#peers.set(peer, flight)
    return flight
  }
}
