/**
 * Asks peers for small contents, many in a request, and checks what comes. A peer that is late or refuses is passed over
 * where another has the content; who sends other bytes than it was asked for is shut out.
 */
import { type RootHash } from '../base/brand.ts'
import { type Clock } from '../base/clock.ts'
import { type Log } from '../base/log.ts'
import { Lookout } from '../base/lookout.ts'
import { type Peer, PeerGone, PieceRefused } from '../net/peer-port.ts'
import { provenList } from '../sync/small-content.ts'

/** Several requests fill a link, and each is a packet. */
const MOST_IN_REQUEST = 128
const REQUEST_BYTES = 256 << 10
/** What one peer is asked for at a time: rate x round trip of a far one is bounded by what is fetched at a time. */
const REQUESTS_AT_A_TIME = 16
/** A peer that has sent not a byte of any pieces for so long is passed over where another can be asked, */
const LATE_MS = 5_000
/** and one that has sent nothing of a request for so long anyhow. */
const STALL_MS = 30_000
const LOOK_EVERY_MS = 1_000
/** Wrong contents that a peer may send before it is dropped for an hour. */
const MOST_WRONG = 3
/** A peer whose connection ended is about to be taken away: asked again at once it would refuse at once, for ever. */
const GONE_MS = 100

/** A small content that is fetched. */
export interface Small {
  readonly root: RootHash
  readonly size: number
  readonly rank: number
  /** Peers that have it. */
  readonly holders: Set<Peer>
  /** Peers that fetch it too, or have. */
  readonly receivers: Set<Peer>
  readonly sinceMs: number
  /** It is looked for on this host, and nobody else need know. */
  isLocal: boolean
  asked: Peer | null
  /** Null while it is not here. */
  bytes: Uint8Array | null
}

export interface SmallRequestsNeeds {
  readonly clock: Clock
  readonly log: Log
  /** It has come, and is what it should be. */
  readonly came: (small: Small, bytes: Uint8Array) => void
  /** The peer could not give it, or not in time. */
  readonly refused: (small: Small, peer: Peer) => void
  /** The peer may be asked for more. */
  readonly room: (peer: Peer) => void
}

interface Request {
  readonly open: Map<number, Small>
  readonly abort: AbortController
  heardMs: number
}

export class SmallRequests {
  readonly #needs: SmallRequestsNeeds
  readonly #requests = new Map<Peer, Set<Request>>()
  readonly #wrong = new Map<string, number>()
  readonly #toAsk = new Map<Peer, () => Iterable<Small>>()
  readonly #lookout: Lookout

  constructor(needs: SmallRequestsNeeds) {
    this.#needs = needs
    this.#lookout = new Lookout({ everyMs: LOOK_EVERY_MS, look: () => this.#judgeAll(), clock: needs.clock })
  }

  /** Soon: asks the peer for what `askable` gives then, as far as there is room. */
  ask(peer: Peer, askable: () => Iterable<Small>): void {
    if (this.#toAsk.size === 0) queueMicrotask(() => this.#askAll())
    this.#toAsk.set(peer, askable)
  }

  /** It is not fetched any more. */
  forget(small: Small): void {
    if (small.asked === null || small.bytes !== null) return
    for (const request of this.#requests.get(small.asked) ?? [])
      for (const [i, other] of request.open)
        if (other === small && request.open.delete(i) && request.open.size === 0)
          request.abort.abort(new Error('no longer wanted'))
  }

  #askAll(): void {
    const peers = [...this.#toAsk]
    this.#toAsk.clear()
    for (const [peer, askable] of peers) this.#askNow(peer, askable())
  }

  #askNow(peer: Peer, askable: Iterable<Small>): void {
    let [batch, bytes]: [Small[], number] = [[], 0]
    for (const small of askable) {
      if (!this.#hasRoom(peer)) return
      batch.push(small)
      bytes += small.size
      if (batch.length < MOST_IN_REQUEST && bytes < REQUEST_BYTES) continue
      this.#begin(peer, batch)
      batch = []
      bytes = 0
    }
    if (batch.length > 0 && this.#hasRoom(peer)) this.#begin(peer, batch)
  }

  #hasRoom(peer: Peer): boolean {
    return (this.#requests.get(peer)?.size ?? 0) < REQUESTS_AT_A_TIME
  }

  #begin(peer: Peer, batch: readonly Small[]): void {
    for (const small of batch) small.asked = peer
    const heardMs = this.#needs.clock.elapsed()
    const request: Request = { open: new Map(batch.entries()), abort: new AbortController(), heardMs }
    const requests = this.#requests.get(peer) ?? new Set()
    this.#requests.set(peer, requests.add(request))
    void this.#run(peer, batch, request).finally(() => {
      requests.delete(request)
      if (requests.size === 0) this.#requests.delete(peer)
    })
    this.#lookout.start()
  }

  async #run(peer: Peer, batch: readonly Small[], request: Request): Promise<void> {
    const receive = async (i: number, bytes: Uint8Array) => this.#receive(peer, request, i, bytes)
    const [roots, sizes] = [batch.map(({ root }) => root), batch.map(({ size }) => size)]
    let gone = false
    try {
      await peer.fetchContents(roots, sizes, receive, request.abort.signal)
    } catch (error) {
      gone = error instanceof PeerGone
      if (error instanceof PieceRefused) this.#refused(peer, request)
      else if (!gone && !request.abort.signal.aborted)
        this.#needs.log.error({ host: peer.host, err: error }, `asking ${peer.host} for contents failed; asking others`)
    }
    for (const small of request.open.values()) if (small.asked === peer) small.asked = null
    if (gone) this.#needs.clock.after(GONE_MS, () => this.#needs.room(peer))
    else queueMicrotask(() => this.#needs.room(peer))
  }

  #receive(peer: Peer, request: Request, i: number, bytes: Uint8Array): void {
    request.heardMs = this.#needs.clock.elapsed()
    const small = request.open.get(i)
    if (small === undefined) return // no longer wanted
    request.open.delete(i)
    small.asked = null
    if (provenList(small.root, bytes) !== null) return this.#needs.came(small, Buffer.from(bytes))
    this.#doesNotGive(peer, small)
    this.#wrongFrom(peer, small)
  }

  /** They come in order: the first that has not come is the one that it could not give, and the others were not tried. */
  #refused(peer: Peer, { open }: Request): void {
    const [first] = open.values()
    if (first === undefined) return
    this.#doesNotGive(peer, first)
  }

  /** Asked for it no more before it says anew that it has it. */
  #doesNotGive(peer: Peer, small: Small): void {
    small.holders.delete(peer)
    this.#needs.refused(small, peer)
  }

  #wrongFrom(peer: Peer, { root }: Small): void {
    const count = (this.#wrong.get(peer.replica) ?? 0) + 1
    this.#wrong.set(peer.replica, count)
    this.#needs.log.warn(
      { host: peer.host, root },
      `${peer.host} sent a content that is not what it was asked for; thrown away, asking others`,
    )
    if (count < MOST_WRONG) return
    this.#wrong.delete(peer.replica)
    peer.ban(`it sent ${count} contents that do not match their hashes`)
  }

  #judgeAll(): boolean {
    for (const [peer, requests] of this.#requests) for (const request of requests) this.#judge(peer, request)
    return this.#requests.size > 0
  }

  #judge(peer: Peer, { open, abort, heardMs }: Request): void {
    const silentMs = this.#needs.clock.elapsed() - heardMs
    const isLate = Math.min(silentMs, peer.silentMs()) >= LATE_MS
    const others = [...open.values()].filter(({ holders }) => holders.size > 1)
    if (silentMs < STALL_MS && !(isLate && others.length > 0)) return
    this.#needs.log.warn(
      { host: peer.host },
      `${peer.host} has sent nothing for ${(silentMs / 1000).toFixed(1)} s of the contents that it was asked for; asking others instead`,
    )
    for (const small of others) this.#doesNotGive(peer, small)
    abort.abort(new Error('stalled'))
  }
}
