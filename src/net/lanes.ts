/**
 * Lanes: further connections to a far peer, on which pieces are asked for and nothing else is said. What one
 * connection carries in a round trip is bounded by half of the kernel's send buffer, and by what loss leaves of its
 * window: so a far peer gets several, and the folder's own connection stays free for messages. They are there before
 * they are needed: five round trips of handshakes are as long as a small image takes.
 *
 *     the peer is far -> dialled by whoever is going to ask on it -> open -> twelve hours old, or the peer has gone
 *
 * A lane is not a peer: the other end takes it as one when it is asked for pieces there by the same authenticated peer
 * id that has proven the folder's secret on its own connection. No folder ever moves to a lane (renewal.ts).
 */
import { type Connection } from '@libp2p/interface'
import { type Multiaddr } from '@multiformats/multiaddr'
import { type Clock } from '../base/clock.ts'
import { type Log } from '../base/log.ts'
import { addressOf } from './address.ts'
import { trustMuxer } from './bounded-muxer.ts'
import * as limits from './limits.ts'
import { RENEW_MS } from './renewal.ts'

/** Below this round trip one connection fills any link that we can: 2 MB on their way are 100 MB/s. */
const FAR_MS = 20
/** Each lane carries what one connection does on a link of FAR_MS. */
const MS_PER_LANE = 20
/** Fewer than this would not be worth the handshakes. */
const LEAST_LANES = 2
/** A host that cannot be dialled, or closes lanes, is asked on what there is, and dialled again after this. */
const DIAL_AGAIN_MS = 30_000

export interface LanesNeeds {
  readonly clock: Pick<Clock, 'after' | 'elapsed'>
  readonly log: Log
  /** Where that peer listens, as far as is known. */
  readonly addressesOf: (peerId: string) => Multiaddr[]
  /** A new connection, whatever others there are. */
  readonly dial: (addresses: Multiaddr[]) => Promise<Connection>
  /** The connection has proven itself: it needs no place among strangers any more. */
  readonly proven: (connection: Connection) => void
  /** There is a lane more to that peer: the other end knows it for one when a stream is opened. */
  readonly opened: (peerId: string) => void
}

interface PeerLanes {
  readonly open: Set<Connection>
  isDialling: boolean
  nextDialMs: number
}

export class Lanes {
  readonly #needs: LanesNeeds
  readonly #dialled = new Map<string, PeerLanes>()
  readonly #accepted = new Map<string, Set<Connection>>()
  readonly #all = new Set<Connection>()

  constructor(needs: LanesNeeds) {
    this.#needs = needs
  }

  has(connection: Connection): boolean {
    return this.#all.has(connection)
  }

  /** The lanes to that peer that are open now. Dials more where its round trip wants more. */
  to(peerId: string, roundTripMs: number): ReadonlySet<Connection> {
    let lanes = this.#dialled.get(peerId)
    if (lanes === undefined) this.#dialled.set(peerId, (lanes = { open: new Set(), isDialling: false, nextDialMs: 0 }))
    const wanted = lanesFor(roundTripMs)
    const may = !lanes.isDialling && this.#needs.clock.elapsed() >= lanes.nextDialMs
    if (may && lanes.open.size < wanted) void this.#dialUpTo(wanted, peerId, lanes)
    return lanes.open
  }

  /** A proven peer asks for pieces on a connection that is not the folder's. False: it has too many such. */
  accept(connection: Connection): boolean {
    const peerId = connection.remotePeer.toString()
    const lanes = this.#accepted.get(peerId) ?? new Set()
    if (lanes.has(connection)) return true
    if (lanes.size >= limits.MAX_LANES_PER_PEER || this.#all.size >= limits.MAX_LANES) return false
    this.#accepted.set(peerId, lanes.add(connection))
    this.#take(connection)
    return true
  }

  /** It has been closed. */
  closed(connection: Connection): void {
    if (!this.#all.delete(connection)) return
    const peerId = connection.remotePeer.toString()
    this.#accepted.get(peerId)?.delete(connection)
    const lanes = this.#dialled.get(peerId)
    if (lanes?.open.delete(connection) === true) lanes.nextDialMs = this.#needs.clock.elapsed() + DIAL_AGAIN_MS
  }

  /** The host is no peer of any folder any more: its lanes go with it. */
  drop(peerId: string, reason: string): void {
    const lanes = [...(this.#dialled.get(peerId)?.open ?? []), ...(this.#accepted.get(peerId) ?? [])]
    this.#dialled.delete(peerId)
    this.#accepted.delete(peerId)
    for (const lane of lanes) {
      this.#all.delete(lane)
      abortLane(lane, reason)
    }
  }

  /** One after the other: libp2p makes one dial of those to the same address that are under way at a time. */
  async #dialUpTo(wanted: number, peerId: string, lanes: PeerLanes): Promise<void> {
    lanes.isDialling = true
    try {
      while (lanes.open.size < wanted && this.#all.size < limits.MAX_LANES) {
        const lane = await this.#needs.dial(this.#needs.addressesOf(peerId))
        const isWanted = this.#dialled.get(peerId) === lanes && lane.remotePeer.toString() === peerId
        if (!isWanted || lane.status !== 'open') return abortLane(lane, 'not needed as a lane')
        this.#add(lane, lanes)
        this.#needs.opened(peerId)
      }
    } catch (error) {
      this.#needs.log.debug({ peerId, err: error }, 'no further connection to a far host; asking on those there are')
    } finally {
      lanes.isDialling = false
      if (lanes.open.size < wanted) lanes.nextDialMs = this.#needs.clock.elapsed() + DIAL_AGAIN_MS
    }
  }

  #add(lane: Connection, lanes: PeerLanes): void {
    lanes.open.add(lane)
    this.#take(lane)
    this.#needs.clock.after(RENEW_MS, () => abortLane(lane, 'the lane has become old'))
  }

  #take(lane: Connection): void {
    this.#all.add(lane)
    trustMuxer(lane)
    this.#needs.proven(lane)
    this.#needs.log.debug({ host: addressOf(lane.remoteAddr), lanes: this.#all.size }, 'a lane is open')
  }
}

/** How many lanes a peer gets, by its round trip (NaN: not known yet). */
export function lanesFor(roundTripMs: number): number {
  if (!(roundTripMs >= FAR_MS)) return 0
  return Math.min(limits.MAX_LANES_PER_PEER, Math.max(LEAST_LANES, Math.ceil(roundTripMs / MS_PER_LANE)))
}

/** Closes it at once. */
export function abortLane(lane: Connection, reason: string): void {
  try {
    lane.abort(new Error(reason))
  } catch {
    // It is just closing: the library wanted to say goodbye on it.
  }
}
