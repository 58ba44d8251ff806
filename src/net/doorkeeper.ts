/**
 * Who may knock: only addresses that known_hosts resolve to now. It is asked before any cryptography, so a stranger
 * costs an accepted socket and nothing else.
 */
import { type Clock } from '../base/clock.ts'
import { type Log } from '../base/log.ts'
import * as limits from './limits.ts'
import { SeldomLog } from './seldom-log.ts'

/** One line in the log for one address in this time. */
const LOG_EVERY_MS = 60_000
/** A stranger's knock may make us ask DNS again, but no oftener: a known host may just have moved. */
const REFRESH_EVERY_MS = 10_000

export interface DoorkeeperNeeds {
  readonly clock: Pick<Clock, 'elapsed'>
  readonly log: Log
  /** Whether a line of known_hosts resolved to this (normalised) address last. */
  readonly isKnown: (address: string) => boolean
  /** Asks DNS again for all lines. */
  readonly refresh: () => Promise<void>
  /** Until then nobody can tell who is known: whoever knocks waits. */
  readonly foldersOpen: Promise<void>
}

export class Doorkeeper {
  readonly #knownHostsOnly: boolean
  readonly #needs: DoorkeeperNeeds
  readonly #seldom: SeldomLog
  #refreshedMs = -Infinity
  #refreshing: Promise<void> = Promise.resolve()
  #waiting = 0

  constructor(options: { knownHostsOnly: boolean }, needs: DoorkeeperNeeds) {
    this.#knownHostsOnly = options.knownHostsOnly
    this.#needs = needs
    this.#seldom = new SeldomLog({ everyMs: LOG_EVERY_MS }, needs)
  }

  /** True if a connection from this (normalised) address must be dropped. */
  async denies(address: string): Promise<boolean> {
    if (!this.#knownHostsOnly) return false
    await this.#needs.foldersOpen
    if (this.#needs.isKnown(address)) return false
    await this.#askDns()
    if (this.#needs.isKnown(address)) return false
    this.#log(address)
    return true
  }

  /** A slow DNS must not make a crowd of strangers wait, before whom known hosts would not come in. */
  async #askDns(): Promise<void> {
    if (this.#waiting >= limits.MAX_WAITING_FOR_DNS) return
    this.#waiting++
    await this.#refresh().finally(() => this.#waiting--)
  }

  #refresh(): Promise<void> {
    const now = this.#needs.clock.elapsed()
    if (now - this.#refreshedMs >= REFRESH_EVERY_MS) {
      this.#refreshedMs = now
      this.#refreshing = this.#needs.refresh()
    }
    return this.#refreshing
  }

  #log(address: string): void {
    this.#seldom.log(address, () =>
      this.#needs.log.warn(
        { address },
        `refused a connection from ${address}: no line of known_hosts resolves to it. If it is one of your hosts, add it to known_hosts here, or set known_hosts_only to false`,
      ),
    )
  }
}
