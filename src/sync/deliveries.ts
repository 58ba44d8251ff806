/** What each peer has lately delivered, counted in pieces: no clock, so what is told is who is slower than whom. */
import { type PeerKey } from './swarm-view.ts'

/** A piece that came so many pieces of each peer ago counts a third (1/e) of one that has just come. */
const MEMORY_PIECES = 32
/** Nobody is slow before the best has delivered so many. */
const LEAST_PIECES = 12
/** Who delivers less than this share of what the best does is slow. */
const SLOW_SHARE = 1 / 4

export class Deliveries {
  readonly #weights = new Map<PeerKey, number>()
  /** Grows in place of all weights shrinking. */
  #unit = 1

  came(peer: PeerKey): void {
    this.#unit *= 1 + 1 / (MEMORY_PIECES * Math.max(1, this.#weights.size))
    this.#weights.set(peer, (this.#weights.get(peer) ?? 0) + this.#unit)
    if (this.#unit > 1e100) this.#rescale()
  }

  /** Those of `peers` that deliver far less than the best of them. */
  slowOf(peers: readonly PeerKey[]): readonly PeerKey[] {
    const best = Math.max(...peers.map((peer) => this.#weightOf(peer)))
    if (best < LEAST_PIECES * this.#unit) return []
    return peers.filter((peer) => this.#weightOf(peer) < best * SLOW_SHARE)
  }

  forget(peer: PeerKey): void {
    this.#weights.delete(peer)
  }

  #weightOf(peer: PeerKey): number {
    return this.#weights.get(peer) ?? 0
  }

  #rescale(): void {
    for (const [peer, weight] of this.#weights) this.#weights.set(peer, weight / this.#unit)
    this.#unit = 1
  }
}
