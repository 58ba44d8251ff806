/** Signs of life over a folder's stream, and the round trip that they take. */
import { type Clock } from '../base/clock.ts'
import * as limits from './limits.ts'

/** Before we believe how far a peer is: a busy host answers late, but not for seconds on end. */
const FIRST_PINGS = 6
/** Between the first pings: those of one moment all meet the same other work, such as that of a host that starts. */
const FIRST_PING_MS = 1000

export interface KeepaliveNeeds {
  readonly clock: Pick<Clock, 'elapsed' | 'after'>
  readonly ping: (id: number) => void
  /** Nothing has come for MISSED_KEEPALIVES intervals. */
  readonly dead: () => void
}

export class Keepalive {
  readonly #needs: KeepaliveNeeds
  #id = 0
  #pingedMs = 0
  #missed = 0
  #rttMs = NaN
  #leastRttMs = NaN
  #measured = 0
  #stopBeat: () => void = () => {}
  #stopPing: () => void = () => {}
  #heardWaiters: (() => void)[] = []

  constructor(needs: KeepaliveNeeds) {
    this.#needs = needs
  }

  start(): void {
    this.#beat()
  }

  stop(): void {
    this.#stopBeat()
    this.#stopPing()
  }

  /** The last round trip; NaN before the first. */
  rttMs(): number {
    return this.#rttMs
  }

  /** The least of all: how far the peer is when nothing queues on the way. NaN before it can be told. */
  leastRttMs(): number {
    return this.#measured < FIRST_PINGS ? NaN : this.#leastRttMs
  }

  /** Anything has come from the peer. */
  heard(): void {
    this.#missed = 0
    for (const waiter of this.#heardWaiters.splice(0)) waiter()
  }

  pong(id: number): void {
    if (id !== this.#id) return
    this.#rttMs = this.#needs.clock.elapsed() - this.#pingedMs
    this.#leastRttMs = this.#leastRttMs < this.#rttMs ? this.#leastRttMs : this.#rttMs
    if (++this.#measured < FIRST_PINGS) this.#stopPing = this.#needs.clock.after(FIRST_PING_MS, () => this.#ping())
  }

  /** Whether the peer says anything within `ms`. */
  probe(ms: number): Promise<boolean> {
    this.#ping()
    return new Promise((resolve) => {
      const stop = this.#needs.clock.after(ms, () => resolve(false))
      this.#heardWaiters.push(() => {
        stop()
        resolve(true)
      })
    })
  }

  #beat(): void {
    if (this.#missed >= limits.MISSED_KEEPALIVES) return this.#needs.dead()
    this.#missed++
    this.#ping()
    this.#stopBeat = this.#needs.clock.after(limits.KEEPALIVE_MS, () => this.#beat())
  }

  #ping(): void {
    this.#pingedMs = this.#needs.clock.elapsed()
    this.#needs.ping(++this.#id)
  }
}
