/** Lines of the log that others can cause: one for each address in a time, and one for all that are too many to know. */
import { type Clock } from '../base/clock.ts'

/** Addresses that are remembered one by one; beyond it they share their line. */
const MAX_REMEMBERED = 100

export class SeldomLog {
  readonly #everyMs: number
  readonly #clock: Pick<Clock, 'elapsed'>
  readonly #loggedMs = new Map<string, number>()
  /** Before that there is nothing to forget: a thousand strangers a second are not worth a look at all addresses each. */
  #fullUntilMs = -Infinity

  constructor(options: { everyMs: number }, needs: { clock: Pick<Clock, 'elapsed'> }) {
    this.#everyMs = options.everyMs
    this.#clock = needs.clock
  }

  /** Calls `write` unless it was called for this address a short time ago. */
  log(address: string, write: () => void): void {
    const now = this.#clock.elapsed()
    if (this.#loggedMs.size >= MAX_REMEMBERED && now >= this.#fullUntilMs) this.#forget(now)
    const key = this.#loggedMs.size < MAX_REMEMBERED || this.#loggedMs.has(address) ? address : 'others'
    const loggedMs = this.#loggedMs.get(key)
    if (loggedMs !== undefined && now - loggedMs < this.#everyMs) return
    this.#loggedMs.set(key, now)
    write()
  }

  #forget(now: number): void {
    let oldestMs = now
    for (const [key, ms] of this.#loggedMs) {
      if (now - ms >= this.#everyMs) this.#loggedMs.delete(key)
      else oldestMs = Math.min(oldestMs, ms)
    }
    this.#fullUntilMs = oldestMs + this.#everyMs
  }
}
