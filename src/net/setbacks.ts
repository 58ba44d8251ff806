/** Hosts that are connected but no peers of a folder: those that did not prove its secret, and those shut out. */
import { type Clock } from '../base/clock.ts'
import { backoffMs } from './backoff.ts'
import { type Trouble } from './host-status.ts'
import * as limits from './limits.ts'

/** A timer may fire a little before its time by the other clock: called too early then, a try would never be made. */
const TIMER_SLACK_MS = 5

interface Setback {
  readonly state: Trouble['state']
  readonly why: string
  readonly failures: number
  readonly againMs: number
  /** We have shut it out; else it may have shut us out. */
  readonly byUs: boolean
}

export class Setbacks {
  readonly #clock: Pick<Clock, 'elapsed'>
  readonly #random: () => number
  readonly #byPeer = new Map<string, Setback>()

  constructor(needs: { clock: Pick<Clock, 'elapsed'>; random: () => number }) {
    this.#clock = needs.clock
    this.#random = needs.random
  }

  /** The proof failed. `news` is false when it had failed for the same reason before; the next try is in `waitMs`. */
  failed(peerId: string, why: string, state: Trouble['state'] = 'wrong-secret'): { news: boolean; waitMs: number } {
    const before = this.#byPeer.get(peerId)
    const failures = (before?.failures ?? 0) + 1
    const waitMs = backoffMs(failures, this.#random())
    const againMs = this.#clock.elapsed() + waitMs
    // Two that are copies shut each other out: what is to be done about that stays in sight.
    const kept = before?.state === 'clone' && state === 'banned' ? before : { state, why }
    this.#byPeer.set(peerId, { state: kept.state, why: kept.why, failures, againMs, byUs: state === 'clone' })
    return { news: before?.why !== kept.why, waitMs }
  }

  ban(peerId: string, why: string): void {
    const againMs = this.#clock.elapsed() + limits.BAN_MS
    this.#byPeer.set(peerId, { state: 'banned', why: `shut out for an hour: ${why}`, failures: 0, againMs, byUs: true })
  }

  proven(peerId: string): void {
    this.#byPeer.delete(peerId)
  }

  /** Whether it is too early to try again. */
  mustWait(peerId: string): boolean {
    return (this.#byPeer.get(peerId)?.againMs ?? 0) - TIMER_SLACK_MS > this.#clock.elapsed()
  }

  /** Whether we have shut it out. */
  isBanned(peerId: string): boolean {
    return this.#byPeer.get(peerId)?.byUs === true && this.mustWait(peerId)
  }

  trouble(peerId: string): Trouble | null {
    const setback = this.#byPeer.get(peerId)
    if (setback === undefined) return null
    const nextTryInMs = Math.max(0, setback.againMs - this.#clock.elapsed())
    return { state: setback.state, why: setback.why, nextTryInMs }
  }
}
