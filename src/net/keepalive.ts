/** Signs of life over a folder's stream, and the round trip that they take. */
import { type Clock } from '../base/clock.ts'
import * as limits from './limits.ts'

/**
 * So many answers are waited for where only they tell how far a peer is: a busy host answers late, but not for seconds
 * on end.
 */
const FIRST_PINGS = 6
/**
 * The kernel of a busy host answers at once, so what it has measured is believed at once. But where a proxy ends the
 * connection half-way it knows half of the way; and no host is so busy that of so many pings, ten minutes, none is
 * answered soon.
 */
const MANY_PINGS = 60
/** Between the first pings: those of one moment all meet the same other work, such as that of a host that starts. */
const FIRST_PING_MS = 1000

export interface KeepaliveNeeds {
  readonly clock: Pick<Clock, 'elapsed' | 'after'>
  readonly ping: (id: number) => void
  /** As the kernel has measured it; NaN where it cannot tell. */
  readonly tcpRoundTripMs: () => number
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
  #leastTcpMs = NaN
  #measured = 0
  #stopBeat: () => void = () => {}
  #stopPing: () => void = () => {}
  #heardWaiters: (() => void)[] = []

  constructor(needs: KeepaliveNeeds) {
    this.#needs = needs
  }

  start(): void {
    this.#lookAtTcp()
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

  /** How far the peer is when nothing queues on the way. NaN before it can be told. */
  leastRttMs(): number {
    const enough = this.#isTcpMeasured() ? MANY_PINGS : FIRST_PINGS
    return this.#measured < enough ? this.#leastTcpMs : this.#leastRttMs
  }

  /** Anything has come from the peer. */
  heard(): void {
    this.#missed = 0
    for (const waiter of this.#heardWaiters.splice(0)) waiter()
  }

  pong(id: number): void {
    if (id !== this.#id) return
    this.#rttMs = this.#needs.clock.elapsed() - this.#pingedMs
    this.#leastRttMs = least(this.#leastRttMs, this.#rttMs)
    this.#lookAtTcp()
    if (++this.#measured < FIRST_PINGS && !this.#isTcpMeasured())
      this.#stopPing = this.#needs.clock.after(FIRST_PING_MS, () => this.#ping())
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

  /** Again at each answer: what queued on the way when we connected does not always. */
  #lookAtTcp(): void {
    this.#leastTcpMs = least(this.#leastTcpMs, this.#needs.tcpRoundTripMs())
  }

  #isTcpMeasured(): boolean {
    return !Number.isNaN(this.#leastTcpMs)
  }

  #ping(): void {
    this.#pingedMs = this.#needs.clock.elapsed()
    this.#needs.ping(++this.#id)
  }
}

/** NaN is none of the two. */
function least(a: number, b: number): number {
  return a <= b || Number.isNaN(b) ? a : b
}
