/**
 * How much may be asked of one peer and not have come yet. What is asked of a slow uplink waits there and cannot be had
 * from others meanwhile; what is not asked of a fast, far one leaves the link idle. So the window follows the answers:
 * it grows while they come soon and shrinks when they queue up.
 */

/** Enough to measure, little to lose: half a second of a 20 Mbit/s uplink. */
const FIRST_BYTES = 1 << 20
const LEAST_BYTES = 512 << 10
/** 1 Gbit/s × 130 ms. */
const MOST_BYTES = 16 << 20
/** Over the round trip: an answer within this time did not queue, */
const SOON_MS = 250
/** and one that took longer than this did. */
const LATE_MS = 600
/** A request is a quarter of the window, between these: small enough to spread over peers, large enough to cost little. */
const LEAST_REQUEST_BYTES = 128 << 10
const MOST_REQUEST_BYTES = 1 << 20

export class RequestWindow {
  #bytes = FIRST_BYTES
  #underWay = 0

  /** Bytes that may be asked for now. */
  get room(): number {
    return this.#bytes - this.#underWay
  }

  get isEmpty(): boolean {
    return this.#underWay === 0
  }

  get requestBytes(): number {
    return Math.min(MOST_REQUEST_BYTES, Math.max(LEAST_REQUEST_BYTES, this.#bytes / 4))
  }

  asked(bytes: number): void {
    this.#underWay += bytes
  }

  /** A request of `bytes` has ended; `tookMs` from asking to its last piece, null when it failed. */
  ended(bytes: number, tookMs: number | null, roundTripMs: number): void {
    const wasFull = this.room < this.requestBytes
    this.#underWay -= bytes
    if (tookMs === null) return
    // Only a full window says something: a slow trickle is the last of a transfer, not a slow peer.
    if (tookMs < roundTripMs + SOON_MS && wasFull) this.#bytes = Math.min(MOST_BYTES, this.#bytes + bytes)
    else if (tookMs > roundTripMs + LATE_MS) this.#bytes = Math.max(LEAST_BYTES, this.#bytes - bytes)
  }
}
