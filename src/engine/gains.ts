/** Tells peers what has come of the contents that they want too: what comes in one breath in one message. */
import { type RootHash } from '../base/brand.ts'
import { type Clock } from '../base/clock.ts'
import { MAX_SMALL_CONTENTS } from '../net/limits.ts'
import { type Peer } from '../net/peer-port.ts'

/** Haves are told together this often: a swarm must hear within 100 ms, and not of every single piece. */
const TELL_EVERY_MS = 50
/** With many to tell: what they could do with it 40 ms sooner (1 % of the time, simulated) is less than the messages cost. */
const TELL_MANY_EVERY_MS = 90
const MANY = 8

export interface GainsNeeds {
  /** The peers that want the content. */
  readonly wanting: (root: RootHash) => ReadonlySet<Peer>
  readonly clock: Pick<Clock, 'after'>
}

export class Gains {
  readonly #needs: GainsNeeds
  /** Pieces by their ordinals; null for a small content, which comes whole. */
  readonly #untold = new Map<RootHash, number[] | null>()

  constructor(needs: GainsNeeds) {
    this.#needs = needs
  }

  piece(root: RootHash, ordinal: number): void {
    this.#tellLater(root)
    const ordinals = this.#untold.get(root) ?? []
    ordinals.push(ordinal)
    this.#untold.set(root, ordinals)
  }

  small(root: RootHash): void {
    this.#tellLater(root)
    this.#untold.set(root, null)
  }

  /** Whoever wants it has been told more. */
  forget(root: RootHash): void {
    this.#untold.delete(root)
  }

  #tellLater(root: RootHash): void {
    if (this.#untold.size > 0) return
    const ms = this.#needs.wanting(root).size < MANY ? TELL_EVERY_MS : TELL_MANY_EVERY_MS
    this.#needs.clock.after(ms, () => this.#tell())
  }

  #tell(): void {
    const small = new Map<Peer, RootHash[]>()
    for (const [root, ordinals] of this.#untold)
      for (const peer of this.#needs.wanting(root)) {
        const roots = small.get(peer)
        if (ordinals !== null) peer.send({ type: 'gained', root, ordinals })
        else if (roots === undefined) small.set(peer, [root])
        else roots.push(root)
      }
    this.#untold.clear()
    for (const [peer, roots] of small) sendSmallHaves(peer, roots)
  }
}

export function sendSmallHaves(peer: Peer, roots: readonly RootHash[]): void {
  for (let at = 0; at < roots.length; at += MAX_SMALL_CONTENTS)
    peer.send({ type: 'small-have', roots: roots.slice(at, at + MAX_SMALL_CONTENTS) })
}
