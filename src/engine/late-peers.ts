/**
 * Peers that have promised pieces and send not a byte of them. Others are asked for these, and the late ones for nothing
 * more until they deliver again; who is late again and again, not even then for a while.
 */
import { type Clock } from '../base/clock.ts'
import { type Log } from '../base/log.ts'
import { Lookout } from '../base/lookout.ts'
import { type Peer } from '../net/peer-port.ts'

/** Without a byte for so long, whatever the uplink, something is wrong: seen and acted upon within five seconds. */
const LATE_MS = 4_500
/** Where others have nothing else left to do, so long, and some round trips, are enough. */
const LATE_AT_THE_END_MS = 1_000
const ROUND_TRIPS = 4
const LOOK_EVERY_MS = 250
/** Who delivers nothing at all, or is late a second time, is left alone for so long, then twice as long each time, */
const FIRST_PENANCE_MS = 10_000
const LONGEST_PENANCE_MS = 300_000
/** and after so long without it is as good as any other. */
const FORGOTTEN_MS = 600_000

export interface LatePeersNeeds {
  /** Each peer that is asked for something, and since when by `elapsed`. */
  readonly waitingFor: () => ReadonlyMap<Peer, number>
  /** Others may be asked for what it was asked for. */
  readonly passOver: (peer: Peer) => void
  /** It may be asked again. */
  readonly resume: (peer: Peer) => void
  readonly clock: Pick<Clock, 'elapsed' | 'after'>
  readonly log: Log
}

interface Lateness {
  /** How often lately. */
  readonly times: number
  readonly sinceMs: number
  readonly isOver: boolean
}

export class LatePeers {
  readonly #needs: LatePeersNeeds
  readonly #known = new Map<Peer, Lateness>()
  readonly #lookout: Lookout

  constructor(needs: LatePeersNeeds) {
    this.#needs = needs
    this.#lookout = new Lookout({ everyMs: LOOK_EVERY_MS, look: () => this.#judgeAll(), clock: needs.clock })
  }

  has(peer: Peer): boolean {
    return this.#known.get(peer)?.isOver === false
  }

  all(): readonly Peer[] {
    return [...this.#known.keys()].filter((peer) => this.has(peer))
  }

  /** The peer is no more. */
  forget(peer: Peer): void {
    this.#known.delete(peer)
  }

  /** Something has been asked of somebody: watches as long as anything is, or somebody is late. */
  look(): void {
    this.#lookout.start()
  }

  /** All is asked, and there is room to ask for more: true if one of these is passed over now, so that there is. */
  passOverAtTheEnd(peers: ReadonlyMap<Peer, number>): boolean {
    let any = false
    for (const [peer, sinceMs] of peers) {
      const enough = LATE_AT_THE_END_MS + ROUND_TRIPS * (peer.rttMs() || 0)
      if (this.has(peer) || this.#silentMs(peer, sinceMs) < enough) continue
      this.#add(peer, enough)
      any = true
    }
    return any
  }

  #judgeAll(): boolean {
    const waiting = this.#needs.waitingFor()
    for (const [peer, sinceMs] of waiting) this.#judge(peer, sinceMs)
    for (const peer of this.all()) if (!waiting.has(peer)) this.#forgive(peer, 1)
    return waiting.size > 0 || this.all().length > 0
  }

  #silentMs(peer: Peer, sinceMs: number): number {
    return Math.min(this.#needs.clock.elapsed() - sinceMs, peer.silentMs())
  }

  #judge(peer: Peer, sinceMs: number): void {
    const silentMs = this.#silentMs(peer, sinceMs)
    if (silentMs < LATE_AT_THE_END_MS) this.#forgive(peer, 0)
    else if (silentMs >= LATE_MS && !this.has(peer)) this.#add(peer, LATE_MS)
  }

  #add(peer: Peer, afterMs: number): void {
    const now = this.#needs.clock.elapsed()
    this.#known.set(peer, { times: this.#timesLate(peer, afterMs), sinceMs: now, isOver: false })
    this.#needs.log.warn(
      { host: peer.host },
      `${peer.host} has sent nothing for ${(afterMs / 1000).toFixed(1)} s of the pieces that it was asked for; asking others instead`,
    )
    this.#needs.passOver(peer)
  }

  /** A short silence counts only against who has sent nothing since the one before. */
  #timesLate(peer: Peer, afterMs: number): number {
    const known = this.#known.get(peer)
    const agoMs = this.#needs.clock.elapsed() - (known?.sinceMs ?? 0)
    const before = known === undefined || agoMs >= FORGOTTEN_MS ? null : known
    const counts = afterMs >= LATE_MS || (before !== null && peer.silentMs() >= agoMs)
    return (before?.times ?? 0) + (counts ? 1 : 0)
  }

  /** It has delivered something; or (`more` = 1) it has not, and is asked for nothing any more. */
  #forgive(peer: Peer, more: 0 | 1): void {
    const known = this.#known.get(peer)
    if (known === undefined || known.isOver) return
    if (this.#needs.clock.elapsed() - known.sinceMs < penanceMs(known.times - 1 + more)) return
    this.#known.set(peer, { ...known, isOver: true })
    this.#needs.resume(peer)
  }
}

function penanceMs(times: number): number {
  return times < 1 ? 0 : Math.min(LONGEST_PENANCE_MS, FIRST_PENANCE_MS * 2 ** (times - 1))
}
