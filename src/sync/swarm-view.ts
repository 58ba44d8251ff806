/**
 * What one receiver knows of the swarm around one content: who has which pieces, who else is fetching it, and how many
 * of those have each piece. Peers that are not receivers are sources: they give, and do not count in rarity.
 */
import { type RootHash } from '../base/brand.ts'
import { type Have, PieceSet } from './piece-set.ts'
import { type Shares, sharesOf } from './shares.ts'

/** Who a peer is in a swarm: its replica id. */
export type PeerKey = string

/** A peer that fetches the same content. `near`: of our site (nearness.ts). */
export interface Receiver {
  readonly peer: PeerKey
  readonly near: boolean
}

/** Rarities that are told apart: on no, one, two, or more receivers. */
const LEVELS = 4

/** How many receivers have each piece, kept so that all pieces of one rarity are found at once. */
class Rarity {
  /** By rarity, the last for LEVELS - 1 and more. */
  readonly levels: readonly PieceSet[]
  readonly #holders: Uint16Array

  constructor(count: number) {
    this.#holders = new Uint16Array(count)
    this.levels = Array.from({ length: LEVELS }, (_, i) => (i === 0 ? PieceSet.full(count) : new PieceSet(count)))
  }

  change(ordinal: number, by: 1 | -1): void {
    const before = this.#holders[ordinal]!
    this.#holders[ordinal] = before + by
    this.#level(before).delete(ordinal)
    this.#level(before + by).add(ordinal)
  }

  #level(holders: number): PieceSet {
    return this.levels[Math.min(holders, LEVELS - 1)]!
  }
}

export interface SwarmViewOptions {
  readonly count: number
  readonly self: PeerKey
  readonly seed: RootHash
}

export class SwarmView {
  readonly #options: SwarmViewOptions
  readonly #pieces = new Map<PeerKey, PieceSet>()
  readonly #receivers = new Map<PeerKey, Receiver>()
  readonly #rarity: Rarity
  readonly #nearRarity: Rarity

  /** Made when asked for, and again when the receivers have changed. */
  #shares: Shares | null = null
  #siteShares: Shares | null = null
  #sharesWithoutSome: { readonly key: string; readonly shares: Shares } | null = null

  constructor(options: SwarmViewOptions) {
    this.#options = options
    this.#rarity = new Rarity(options.count)
    this.#nearRarity = new Rarity(options.count)
  }

  /** All that have told of pieces. */
  get peers(): readonly PeerKey[] {
    return [...this.#pieces.keys()]
  }

  /** The other receivers. */
  get receivers(): ReadonlyMap<PeerKey, Receiver> {
    return this.#receivers
  }

  /** Pieces by the number of other receivers that have them: 0, 1, 2, more. */
  get levels(): readonly PieceSet[] {
    return this.#rarity.levels
  }

  /** True if any peer has a piece for which `isMissing`. */
  offers(isMissing: (ordinal: number) => boolean): boolean {
    for (const pieces of this.#pieces.values()) {
      let found = false
      pieces.each((ordinal) => (found ||= isMissing(ordinal)))
      if (found) return true
    }
    return false
  }

  /** Pieces that no near receiver has. */
  get notNear(): PieceSet {
    return this.#nearRarity.levels[0]!
  }

  /** Pieces that no receiver has but these. */
  heldOnlyBy(peers: readonly PeerKey[]): PieceSet {
    const only = PieceSet.full(this.#options.count)
    for (const peer of this.#receivers.keys()) {
      const pieces = peers.includes(peer) ? undefined : this.#pieces.get(peer)
      if (pieces !== undefined) only.deleteAll(pieces)
    }
    return only
  }

  /** Who fetches which piece from the source, among all receivers. */
  get shares(): Shares {
    return (this.#shares ??= this.#sharesWith([...this.#receivers.values()]))
  }

  /** Who fetches which piece from other sites, among the receivers of our site. */
  get siteShares(): Shares {
    return (this.#siteShares ??= this.#sharesWith([...this.#receivers.values()].filter(({ near }) => near)))
  }

  /** Who would fetch which piece from the source if those receivers were not there. */
  sharesWithout(peers: readonly PeerKey[]): Shares {
    const key = peers.join()
    if (this.#sharesWithoutSome?.key !== key) {
      const others = [...this.#receivers.values()].filter(({ peer }) => !peers.includes(peer))
      this.#sharesWithoutSome = { key, shares: this.#sharesWith(others) }
    }
    return this.#sharesWithoutSome.shares
  }

  /** What a peer has; null for a peer that has told nothing. */
  piecesOf(peer: PeerKey): PieceSet | null {
    return this.#pieces.get(peer) ?? null
  }

  /** A peer tells all that it has. */
  has(peer: PeerKey, have: Have): void {
    this.#countOut(peer)
    this.#pieces.set(peer, PieceSet.told(this.#options.count, have))
    this.#countIn(peer)
  }

  gained(peer: PeerKey, ordinal: number): void {
    if (!this.#pieces.has(peer)) this.#pieces.set(peer, new PieceSet(this.#options.count))
    if (this.#pieces.get(peer)!.add(ordinal)) this.#change(peer, ordinal, 1)
  }

  lost(peer: PeerKey, ordinal: number): void {
    if (this.#pieces.get(peer)?.delete(ordinal) === true) this.#change(peer, ordinal, -1)
  }

  gone(peer: PeerKey): void {
    this.#countOut(peer)
    this.#pieces.delete(peer)
    if (this.#receivers.delete(peer)) this.#forgetShares()
  }

  setReceivers(receivers: readonly Receiver[]): void {
    const next = new Map(receivers.map((receiver) => [receiver.peer, receiver]))
    const changed = [...new Set([...this.#receivers.keys(), ...next.keys()])].filter(
      (peer) => this.#receivers.get(peer)?.near !== next.get(peer)?.near,
    )
    if (changed.length > 0) this.#forgetShares()
    for (const peer of changed) {
      this.#countOut(peer)
      const receiver = next.get(peer)
      if (receiver === undefined) this.#receivers.delete(peer)
      else this.#receivers.set(peer, receiver)
      this.#countIn(peer)
    }
  }

  #sharesWith(receivers: readonly Receiver[]): Shares {
    const { count, seed, self } = this.#options
    return sharesOf(count, seed, [self, ...receivers.map(({ peer }) => peer)], self)
  }

  #forgetShares(): void {
    this.#shares = null
    this.#siteShares = null
    this.#sharesWithoutSome = null
  }

  #countIn(peer: PeerKey): void {
    if (this.#receivers.has(peer)) this.#pieces.get(peer)?.each((ordinal) => this.#change(peer, ordinal, 1))
  }

  #countOut(peer: PeerKey): void {
    if (this.#receivers.has(peer)) this.#pieces.get(peer)?.each((ordinal) => this.#change(peer, ordinal, -1))
  }

  #change(peer: PeerKey, ordinal: number, by: 1 | -1): void {
    const receiver = this.#receivers.get(peer)
    if (receiver === undefined) return
    this.#rarity.change(ordinal, by)
    if (receiver.near) this.#nearRarity.change(ordinal, by)
  }
}
