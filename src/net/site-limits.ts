/**
 * The limits of this host: one bucket for each direction, and one more for each element of `limits` that names other
 * rates (timed-limit.ts). Hosts to which the same element applies share its bucket. Which one holds for a site is
 * looked up once and kept until the minute, or the config, changes.
 */
import { type Clock } from '../base/clock.ts'
import { bytesPerSecond, limitThatHolds, type TimedLimit } from '../sync/timed-limit.ts'
import { RateLimit } from './rate-limit.ts'

const MS_PER_MINUTE = 60_000

export interface Limits {
  /** Whole host, bytes per second; 0 or null = none. */
  readonly uploadBytesPerSecond: number | null
  readonly downloadBytesPerSecond: number | null
  /** Whether the limits also count between hosts of one site. */
  readonly limitLocalPeers: boolean
  /** Other limits by sites and time; the first that fits counts. */
  readonly timed?: readonly TimedLimit[]
}

interface Buckets {
  readonly in: RateLimit
  readonly out: RateLimit
}

export class SiteLimits {
  readonly #site: string | null
  readonly #clock: Clock
  readonly #own: Buckets
  #limits: Limits
  /** By place in `timed`. */
  #timed: Buckets[] = []
  readonly #held = new Map<string | null, Buckets>()
  #heldUntilMs = 0

  constructor(options: Limits & { readonly site: string | null }, needs: { clock: Clock }) {
    this.#site = options.site
    this.#clock = needs.clock
    this.#limits = options
    this.#own = this.#buckets()
    this.set(options)
  }

  /** What has been asked of a bucket goes on at its new rate. */
  set(limits: Limits): void {
    this.#limits = limits
    const [down, up] = this.#ownRates()
    this.#own.in.setRate(down)
    this.#own.out.setRate(up)
    const timed = limits.timed ?? []
    while (this.#timed.length < timed.length) this.#timed.push(this.#buckets())
    for (const [i, limit] of timed.entries()) {
      this.#timed[i]?.in.setRate(bytesPerSecond(limit.download, down))
      this.#timed[i]?.out.setRate(bytesPerSecond(limit.upload, up))
    }
    this.#held.clear()
  }

  /** The limit for a peer of that site; null where it is exempt. */
  of(direction: 'in' | 'out', site: string | null): RateLimit | null {
    if (!this.#limits.limitLocalPeers && site !== null && site === this.#site) return null
    const nowMs = this.#clock.now()
    if (nowMs >= this.#heldUntilMs || nowMs < this.#heldUntilMs - MS_PER_MINUTE) this.#forget(nowMs)
    let held = this.#held.get(site)
    if (held === undefined) this.#held.set(site, (held = this.#holds(site, nowMs)))
    return held[direction]
  }

  /** An element that says nothing of a direction leaves it to the host's own bucket. */
  #holds(site: string | null, nowMs: number): Buckets {
    const { timed = [] } = this.#limits
    const at = limitThatHolds(timed, { sites: [this.#site, site], minute: minuteOfDay(nowMs) })
    const [limit, buckets] = [timed[at], this.#timed[at]]
    if (limit === undefined || buckets === undefined) return this.#own
    return {
      in: limit.download === null ? this.#own.in : buckets.in,
      out: limit.upload === null ? this.#own.out : buckets.out,
    }
  }

  #forget(nowMs: number): void {
    this.#held.clear()
    this.#heldUntilMs = nowMs - (nowMs % MS_PER_MINUTE) + MS_PER_MINUTE
  }

  #ownRates(): [down: number, up: number] {
    return [this.#limits.downloadBytesPerSecond ?? 0, this.#limits.uploadBytesPerSecond ?? 0]
  }

  #buckets(): Buckets {
    const [down, up] = this.#ownRates()
    const needs = { clock: this.#clock }
    return {
      in: new RateLimit({ bytesPerSecond: down }, needs),
      out: new RateLimit({ bytesPerSecond: up }, needs),
    }
  }
}

/** By the clock on this host's wall. */
function minuteOfDay(nowMs: number): number {
  const date = new Date(nowMs)
  return date.getHours() * 60 + date.getMinutes()
}
