/**
 * Small contents (sync/small-content.ts) on their way here, by the hundred: what is wanted is told to all peers in one
 * message, who has some says so in one, and one request brings many. They are kept in memory until they are installed,
 * so never more than is bounded here.
 *
 *   waiting -> local, or wanted -> told of -> asked for (small-requests.ts) -> whole -> installed
 *              wanted, but nobody has it -> parked, so that others can begin -> told of -> waiting
 */
import { type ReplicaId, type RootHash } from '../base/brand.ts'
import { type Clock } from '../base/clock.ts'
import { type Log } from '../base/log.ts'
import { Lookout } from '../base/lookout.ts'
import { type FolderIndex } from '../db/index-port.ts'
import { FsError, type Root } from '../fs/root.ts'
import { type Peer } from '../net/peer-port.ts'
import { FetchQueue, type Wish } from '../sync/fetch-order.ts'
import { pieceHash } from '../sync/piece-list.ts'
import { isOurs } from '../sync/small-content.ts'
import { type ContentReader } from './content-reader.ts'
import { PARK_AFTER_MS, SHOWN_AFTER_MS } from './parked-contents.ts'
import { type Small, SmallRequests } from './small-requests.ts'
import { sendWants, SmallWants } from './small-wants.ts'

/** Under way, or whole and not installed: what fills the transactions of the index and the requests of a far link. */
const MOST_AT_A_TIME = 1_000
const MOST_BYTES = 8 << 20
/** So long other receivers may have nothing to tell, before what is theirs to get is asked of the source, */
const PATIENCE_MS = 500
/** and so long they may take for one content. */
const MOST_PATIENCE_MS = 5_000
const LOOK_EVERY_MS = 250
/** A peer that could not give what it said it has is asked again after this. */
const ASK_REFUSER_MS = 5_000

export interface SmallFetchesNeeds {
  readonly disk: Pick<Root, 'freeBytes'>
  readonly index: Pick<FolderIndex, 'pieceList' | 'replica'>
  readonly reader: Pick<ContentReader, 'read'>
  readonly peers: () => Iterable<Peer>
  /** Peers that want the same content. */
  readonly alsoWanting: (root: RootHash) => ReadonlySet<Peer>
  /** Of our site (sync/nearness.ts). */
  readonly isNear: (peer: Peer) => boolean
  /** A content is whole, and can be had from `bytesOf`. */
  readonly whole: (root: RootHash, bytes: Uint8Array) => void
  readonly failed: (root: RootHash, error: unknown, missingBytes: number) => void
  readonly clock: Clock
  readonly log: Log
}

export class SmallFetches {
  readonly #needs: SmallFetchesNeeds
  readonly #waiting = new FetchQueue<RootHash>()
  readonly #active = new Map<RootHash, Small>()
  /** Still wanted, and peers know it. */
  readonly #parked = new Map<RootHash, Small>()
  readonly #requests: SmallRequests
  readonly #wants: SmallWants
  #bytes = 0
  #paused = false
  /** When one that fetches the same has last got something. */
  #receiverToldMs = -Infinity
  readonly #lookout: Lookout

  constructor(needs: SmallFetchesNeeds) {
    this.#needs = needs
    this.#lookout = new Lookout({ everyMs: LOOK_EVERY_MS, look: () => this.#look(), clock: needs.clock })
    this.#wants = new SmallWants({ ...needs, told: (roots) => void this.#told(roots) })
    this.#requests = new SmallRequests({
      ...needs,
      came: (small, bytes) => this.#came(small, bytes),
      refused: (small, peer) => this.#refused(small, peer),
      room: (peer) => this.#askPeer(peer),
    })
  }

  fetch(root: RootHash, wish: Wish): void {
    if (this.#active.has(root) || this.#parked.has(root)) return
    this.#waiting.set(root, wish)
    this.#startNext()
  }

  has(root: RootHash): boolean {
    return this.#active.has(root)
  }

  isWhole(root: RootHash): boolean {
    return this.bytesOf(root) !== null
  }

  /** The content, once it is whole. */
  bytesOf(root: RootHash): Uint8Array | null {
    return this.#active.get(root)?.bytes ?? null
  }

  /** It has been installed, or is not wanted any more. */
  drop(root: RootHash): void {
    this.#waiting.delete(root)
    if (this.#parked.delete(root)) this.#wants.tell(root, false)
    const small = this.#active.get(root)
    if (small === undefined) return
    this.#end(small)
    this.#startNext()
  }

  /** Stops what is under way; `resume` takes it up again. What is whole stays. */
  pause(): void {
    this.#paused = true
    for (const small of [...this.#active.values()]) {
      if (small.bytes !== null) continue
      this.#end(small)
      this.#waiting.set(small.root, small)
    }
  }

  resume(): void {
    this.#paused = false
    this.#startNext()
  }

  up(peer: Peer): void {
    const active = [...this.#active.values()].filter(({ bytes, isLocal }) => bytes === null && !isLocal)
    const wanted = [...active, ...this.#parked.values()]
    sendWants(
      peer,
      wanted.map(({ root }) => root),
      true,
    )
  }

  gone(peer: Peer): void {
    for (const small of this.#active.values()) {
      small.holders.delete(peer)
      small.receivers.delete(peer)
      if (small.asked === peer) small.asked = null
    }
    for (const other of this.#needs.peers()) this.#askPeer(other)
  }

  /** A peer has these whole. */
  told(peer: Peer, roots: readonly RootHash[]): void {
    let any = false
    for (const root of roots) {
      const small = this.#active.get(root) ?? this.#takeUp(root)
      if (small === undefined || small.bytes !== null) continue
      small.holders.add(peer)
      if (small.receivers.has(peer)) this.#receiverToldMs = this.#needs.clock.elapsed()
      any = true
    }
    if (any) this.#askPeer(peer)
  }

  /** A peer wants these too: what only a source has is fetched by one of us. */
  receiverCame(peer: Peer, roots: readonly RootHash[]): void {
    for (const root of roots) this.#active.get(root)?.receivers.add(peer)
  }

  /** Contents that no connected peer has had for a minute. */
  missing(): readonly RootHash[] {
    const isOld = ({ sinceMs }: Small) => this.#needs.clock.elapsed() - sinceMs >= SHOWN_AFTER_MS
    const without = [...this.#active.values()].filter(isWithoutHolder)
    return [...without, ...this.#parked.values()].filter(isOld).map(({ root }) => root)
  }

  /** Makes room for what waits. */
  #park(): void {
    if (this.#waiting.count === 0) return
    const nowMs = this.#needs.clock.elapsed()
    for (const small of [...this.#active.values()]) {
      if (!isWithoutHolder(small) || nowMs - small.sinceMs < PARK_AFTER_MS) continue
      this.#active.delete(small.root)
      this.#bytes -= small.size
      this.#parked.set(small.root, small)
    }
    this.#startNext()
  }

  /** There is one more at a time for that: it is bounded by what one peer tells in a message. */
  #takeUp(root: RootHash): Small | undefined {
    const small = this.#parked.get(root)
    if (small === undefined || !this.#parked.delete(root)) return undefined
    if (this.#paused) {
      this.#waiting.set(root, small)
      return undefined
    }
    this.#active.set(root, small)
    this.#bytes += small.size
    this.#lookout.start()
    return small
  }

  #startNext(): void {
    while (!this.#paused && this.#active.size < MOST_AT_A_TIME && this.#bytes < MOST_BYTES) {
      const next = this.#waiting.first()
      if (next === null) return
      this.#waiting.delete(next[0])
      this.#begin(next[0], next[1])
    }
  }

  #begin(root: RootHash, { size, rank }: Wish): void {
    const list = size === 0 ? null : this.#needs.index.pieceList(root)
    const receivers = new Set(this.#needs.alsoWanting(root))
    const small: Small = {
      root,
      size,
      rank,
      holders: new Set(),
      receivers,
      asked: null,
      bytes: null,
      isLocal: size === 0 || list !== null,
      sinceMs: this.#needs.clock.elapsed(),
    }
    this.#active.set(root, small)
    this.#bytes += size
    if (size === 0) return this.#came(small, new Uint8Array(0))
    if (list === null) return this.#wants.tell(root, true)
    void this.#takeLocal(small, pieceHash(list, 0))
  }

  /** Some file or archived file here has, or had, the same content. */
  async #takeLocal(small: Small, hash: Uint8Array): Promise<void> {
    const bytes = Buffer.allocUnsafe(small.size)
    const isHere = await this.#needs.reader.read(small.root, 0, hash, bytes)
    if (this.#active.get(small.root) !== small) return
    small.isLocal = false
    if (isHere) this.#came(small, bytes)
    else this.#wants.tell(small.root, true)
  }

  #came(small: Small, bytes: Uint8Array): void {
    if (this.#active.get(small.root) !== small || small.bytes !== null) return
    small.bytes = bytes
    if (!small.isLocal) this.#wants.tell(small.root, false)
    this.#needs.whole(small.root, bytes)
  }

  #end(small: Small): void {
    this.#active.delete(small.root)
    this.#bytes -= small.size
    if (small.bytes === null && !small.isLocal) this.#wants.tell(small.root, false)
    this.#requests.forget(small)
  }

  /** Better not begun than stopped half-way by a full disk, with min_free_space eaten up. */
  async #told(roots: readonly RootHash[]): Promise<void> {
    this.#lookout.start()
    if (roots.length === 0) return
    const error = await this.#needs.disk.freeBytes().then(
      (free) => (free < this.#bytes ? noRoom(roots[0] ?? '', this.#bytes, free) : null),
      (error: unknown) => error,
    )
    if (error === null) return
    for (const root of roots) {
      const small = this.#active.get(root)
      if (small === undefined || small.bytes !== null) continue
      this.#end(small)
      this.#needs.failed(root, error, small.size)
    }
  }

  #askPeer(peer: Peer): void {
    this.#requests.ask(peer, () => this.#askable(peer))
  }

  *#askable(peer: Peer): Generator<Small> {
    for (const small of this.#active.values())
      if (small.bytes === null && small.asked === null && small.holders.has(peer) && this.#mayAsk(small, peer))
        yield small
  }

  /** What only sources have, one of the near receivers fetches, and the others get from that one; if it takes long, all do. */
  #mayAsk(small: Small, peer: Peer): boolean {
    if (small.receivers.has(peer)) return true
    return isOurs(small.root, this.#needs.index.replica, this.#otherReceivers(small)) || this.#isOverdue(small)
  }

  #isOverdue({ sinceMs }: Small): boolean {
    const nowMs = this.#needs.clock.elapsed()
    return nowMs - Math.max(sinceMs, this.#receiverToldMs) >= PATIENCE_MS || nowMs - sinceMs >= MOST_PATIENCE_MS
  }

  /** Near hosts that fetch it too, or will: all hear of a file at the same time, and not all have said so yet. */
  *#otherReceivers({ holders, receivers }: Small): Generator<ReplicaId> {
    for (const peer of this.#needs.peers())
      if (this.#needs.isNear(peer) && (receivers.has(peer) || !holders.has(peer))) yield peer.replica
  }

  #refused({ root }: Small, peer: Peer): void {
    this.#needs.clock.after(ASK_REFUSER_MS, () => {
      const small = this.#active.get(root) ?? this.#parked.get(root)
      if (small !== undefined && small.bytes === null) sendWants(peer, [root], true)
    })
  }

  /** As long as something is missing: patience may have come to its end. */
  #look(): boolean {
    this.#park()
    if (!this.#active.values().some(({ bytes }) => bytes === null)) return false
    for (const peer of this.#needs.peers()) this.#askPeer(peer)
    return true
  }
}

function isWithoutHolder({ bytes, isLocal, holders }: Small): boolean {
  return bytes === null && !isLocal && holders.size === 0
}

function noRoom(root: string, neededBytes: number, free: number): FsError {
  return new FsError('no-space', root, `it needs ${neededBytes} bytes more, but only ${free} may be used`)
}
