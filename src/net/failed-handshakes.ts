/**
 * Handshakes that hosts from known addresses begin and do not end. With another network_secret it is the caller that
 * notices, at the second message, and hangs up; here it can only be told that it did. So a single one says nothing
 * (a dial may be given up), and several in a row are worth a line in the log.
 */
import { type ConnectionEncrypter, type MultiaddrConnection } from '@libp2p/interface'
import { type Clock } from '../base/clock.ts'
import { type Log } from '../base/log.ts'
import { addressOf } from './address.ts'
import { SeldomLog } from './seldom-log.ts'

/** One line in the log for one address in this time. */
const LOG_EVERY_MS = 600_000
/** So many in a row are no accident. */
const SUSPICIOUS = 2
/** Addresses that are counted: beyond it the oldest is forgotten. */
const MAX_COUNTED = 1_000

export class FailedHandshakes {
  readonly #log: Log
  readonly #seldom: SeldomLog
  readonly #inARow = new Map<string, number>()

  constructor(needs: { readonly clock: Pick<Clock, 'elapsed'>; readonly log: Log }) {
    this.#log = needs.log
    this.#seldom = new SeldomLog({ everyMs: LOG_EVERY_MS }, needs)
  }

  /** `encrypter`, with its inbound handshakes looked at. */
  watch<T extends ConnectionEncrypter>(encrypter: T): T {
    const secureInbound = encrypter.secureInbound.bind(encrypter)
    encrypter.secureInbound = async (connection, options) => {
      const address = addressOf((connection as MultiaddrConnection).remoteAddr)
      try {
        const secured = await secureInbound(connection, options)
        this.#inARow.delete(address)
        return secured
      } catch (error) {
        this.failed(address)
        throw error
      }
    }
    return encrypter
  }

  failed(address: string): void {
    const inARow = (this.#inARow.get(address) ?? 0) + 1
    const oldest = this.#inARow.keys().next()
    if (this.#inARow.size >= MAX_COUNTED && !oldest.done) this.#inARow.delete(oldest.value)
    this.#inARow.set(address, inARow)
    if (inARow < SUSPICIOUS) return
    this.#seldom.log(address, () =>
      this.#log.warn(
        { address },
        `${address} begins handshakes and does not end them: has it another network_secret, or none? Make it the same on all hosts. It is no peer until then; its own log says more`,
      ),
    )
  }
}
