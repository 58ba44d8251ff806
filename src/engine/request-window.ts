/**
 * How much may be asked of one peer and not have come yet. What is asked of a slow uplink waits there and cannot be had
 * from others meanwhile; what is not asked of a fast, far one leaves the link idle. So the window follows the answers:
 * it grows while they come soon and shrinks when they queue up.
 */

/** Enough to measure, little to lose: half a second of a 20 Mbit/s uplink. */
const FIRST_BYTES = 1 << 20
/** And what a link of 200 Mbit/s has under way, for each millisecond of round trip. */
const FIRST_BYTES_PER_MS = 25_000
const LEAST_BYTES = 512 << 10
/** 1 Gbit/s × 130 ms. */
const MOST_BYTES = 16 << 20
/** Over two round trips (one of them may be the connection's slow start): what comes within this time did not queue, */
const SOON_MS = 250
/** and one that took longer than this did. */
const LATE_MS = 600
/** A request is one of so many that fill the window: more than a far peer has lanes, */
const REQUESTS = 8
/** and between these: small enough to spread over peers, large enough to cost little. */
const LEAST_REQUEST_BYTES = 128 << 10
const MOST_REQUEST_BYTES = 1 << 20

export class RequestWindow {
  #bytes: number
  #underWay = 0

  constructor(roundTripMs: number) {
    this.#bytes = Math.min(MOST_BYTES, FIRST_BYTES + roundTripMs * FIRST_BYTES_PER_MS)
  }

  /** Bytes that may be asked for now; 0 until there is room for a whole request. */
  get room(): number {
    const free = this.#bytes - this.#underWay
    return free >= this.requestBytes || this.isEmpty ? free : 0
  }

  get isEmpty(): boolean {
    return this.#underWay === 0
  }

  get requestBytes(): number {
    return Math.min(MOST_REQUEST_BYTES, Math.max(LEAST_REQUEST_BYTES, this.#bytes / REQUESTS))
  }

  asked(bytes: number): void {
    this.#underWay += bytes
  }

  /** A piece of `bytes` has come, `tookMs` after it was asked for. */
  came(bytes: number, tookMs: number, roundTripMs: number): void {
    // Only a full window says something: a slow trickle is the last of a transfer, not a slow peer.
    if (tookMs < 2 * roundTripMs + SOON_MS && this.room === 0) this.#bytes = Math.min(MOST_BYTES, this.#bytes + bytes)
    else if (tookMs > 2 * roundTripMs + LATE_MS) this.#bytes = Math.max(LEAST_BYTES, this.#bytes - bytes)
  }

  /** A request of `bytes` has ended, however. */
  ended(bytes: number): void {
    this.#underWay -= bytes
  }
}
