/** Tells all peers which small contents are wanted here, and no longer: what comes in one breath in one message. */
import { type RootHash } from '../base/brand.ts'
import { type Clock } from '../base/clock.ts'
import { MAX_SMALL_CONTENTS } from '../net/limits.ts'
import { type Peer } from '../net/peer-port.ts'

/** Gathers what is wanted into one message; less than a packet's way. */
const GATHER_MS = 2

export interface SmallWantsNeeds {
  readonly peers: () => Iterable<Peer>
  /** All peers know now that these are wanted. */
  readonly told: (roots: readonly RootHash[]) => void
  readonly clock: Pick<Clock, 'after'>
}

export class SmallWants {
  readonly #needs: SmallWantsNeeds
  /** True for wanted, false for no longer. */
  readonly #toTell = new Map<RootHash, boolean>()
  #isGathering = false

  constructor(needs: SmallWantsNeeds) {
    this.#needs = needs
  }

  /** Soon, with others. What is wanted again is told again, though it was never taken back: what peers have they told before. */
  tell(root: RootHash, wanted: boolean): void {
    this.#toTell.set(root, wanted)
    if (this.#isGathering) return
    this.#isGathering = true
    this.#needs.clock.after(GATHER_MS, () => this.#tellAll())
  }

  #tellAll(): void {
    this.#isGathering = false
    const told = [...this.#toTell]
    this.#toTell.clear()
    const roots = (wanted: boolean) => told.flatMap(([root, is]) => (is === wanted ? [root] : []))
    for (const peer of this.#needs.peers()) {
      sendWants(peer, roots(false), false)
      sendWants(peer, roots(true), true)
    }
    this.#needs.told(roots(true))
  }
}

export function sendWants(peer: Peer, roots: readonly RootHash[], wanted: boolean): void {
  for (let at = 0; at < roots.length; at += MAX_SMALL_CONTENTS)
    peer.send({ type: 'small-want', roots: roots.slice(at, at + MAX_SMALL_CONTENTS), wanted })
}
