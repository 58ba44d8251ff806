/** Bytes to and from one peer, and how fast they go now. */
import { RateMeter } from '../base/rate-meter.ts'
import { type Clock } from '../base/clock.ts'

export type Direction = 'in' | 'out'

export class Traffic {
  readonly #clock: Pick<Clock, 'elapsed'>
  readonly #meters = { in: new RateMeter(), out: new RateMeter() }
  readonly #bytes = { in: 0, out: 0 }

  constructor(needs: { clock: Pick<Clock, 'elapsed'> }) {
    this.#clock = needs.clock
  }

  count(direction: Direction, bytes: number): void {
    this.#bytes[direction] += bytes
    this.#meters[direction].add(bytes, this.#clock.elapsed())
  }

  bytes(direction: Direction): number {
    return this.#bytes[direction]
  }

  /** Bytes per second over the last few seconds. */
  rate(direction: Direction): number {
    return this.#meters[direction].rate(this.#clock.elapsed())
  }
}

/** The traffic with each peer, over all its connections. */
export class TrafficByPeer {
  readonly #clock: Pick<Clock, 'elapsed'>
  readonly #byPeer = new Map<string, Traffic>()

  constructor(needs: { clock: Pick<Clock, 'elapsed'> }) {
    this.#clock = needs.clock
  }

  of(peerId: string): Traffic {
    let traffic = this.#byPeer.get(peerId)
    if (traffic === undefined) this.#byPeer.set(peerId, (traffic = new Traffic({ clock: this.#clock })))
    return traffic
  }

  /** Null for a peer that we never spoke with. */
  known(peerId: string): Traffic | null {
    return this.#byPeer.get(peerId) ?? null
  }
}
