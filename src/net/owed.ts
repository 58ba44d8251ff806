/**
 * What a peer owes us: bytes of pieces that it may send and has not sent. Every byte is a sign of life, however slow its
 * uplink is; and while we grant nothing (our own limit, our own disk), it owes nothing.
 */
import { type Clock } from '../base/clock.ts'

export class Owed {
  readonly #clock: Pick<Clock, 'elapsed'>
  #bytes = 0
  #sinceMs = 0

  constructor(needs: { clock: Pick<Clock, 'elapsed'> }) {
    this.#clock = needs.clock
  }

  granted(bytes: number): void {
    if (this.#bytes <= 0) this.#sinceMs = this.#clock.elapsed()
    this.#bytes += bytes
  }

  came(bytes: number): void {
    this.#bytes -= bytes
    this.#sinceMs = this.#clock.elapsed()
  }

  /** The stream on which so much was granted has ended. */
  forgiven(bytes: number): void {
    this.#bytes -= bytes
  }

  /** For how long not a byte has come of what is owed; 0 when nothing is. */
  silentMs(): number {
    return this.#bytes > 0 ? this.#clock.elapsed() - this.#sinceMs : 0
  }
}
