/**
 * Connections are renewed before they are old: Noise numbers its messages and ends at 2^32, and fresh keys are good
 * keys. Make before break: who dialled dials again, each folder moves over when it is proven there (folder-net.ts),
 * and the old connection is closed when nothing uses it any more (connections.ts).
 */
import { type Connection } from '@libp2p/interface'
import { type Clock } from '../base/clock.ts'
import { backoffMs } from './backoff.ts'

/** 2^32 messages in 12 hours would be 99,000 a second: ten times what a pair of hosts can do. */
export const RENEW_MS = 12 * 3_600_000
/** A connection so much younger than that of a peer is there to take its place. */
export const SUCCESSOR_MS = RENEW_MS / 2
/** Not all connections of a pool at one moment. */
const SPREAD_MS = 600_000

export interface RenewalNeeds {
  readonly clock: Pick<Clock, 'after'>
  /** 0 to 1. */
  readonly random: () => number
  /** Dials the same host once more, and lets the folders consider the new connection. */
  readonly dialAgain: (connection: Connection) => Promise<void>
}

export class Renewal {
  readonly #needs: RenewalNeeds
  constructor(needs: RenewalNeeds) {
    this.#needs = needs
  }

  /** A connection that this host has dialled. Whoever accepted it leaves the renewal to us. */
  watch(connection: Connection): void {
    const stop = this.#needs.clock.after(RENEW_MS + this.#needs.random() * SPREAD_MS, () => this.#renew(connection, 1))
    connection.addEventListener('close', stop)
  }

  /** Until it has worked, or the connection has gone: the old one serves on meanwhile. */
  #renew(connection: Connection, attempt: number): void {
    if (connection.status !== 'open') return
    const again = () =>
      this.#needs.clock.after(backoffMs(attempt, this.#needs.random()), () => this.#renew(connection, attempt + 1))
    this.#needs.dialAgain(connection).catch(again)
  }
}
