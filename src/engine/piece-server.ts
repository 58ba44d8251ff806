/**
 * Serves peers: piece lists, pieces (of whole files, and of those still growing in staging or being hashed), and word
 * of what we have of the contents that they want.
 */
import { type RootHash } from '../base/brand.ts'
import { BufferPool } from '../base/buffer-pool.ts'
import { type Clock } from '../base/clock.ts'
import { type FolderIndex } from '../db/index-port.ts'
import { MAX_TOLD_LIST_BYTES } from '../net/limits.ts'
import { type Have, type Peer, type ServedPiece } from '../net/peer-port.ts'
import {
  MAX_PIECE_BYTES,
  PACKED_PIECE_BYTES,
  packPieceList,
  pieceHash,
  type PieceList,
  pieceOffsets,
} from '../sync/piece-list.ts'
import { NOTHING } from '../sync/piece-set.ts'
import { type ContentReader } from './content-reader.ts'
import { Gains, sendSmallHaves } from './gains.ts'
import { type RecentContents } from './recent-contents.ts'

/** Pieces of this many served at a time are kept as buffers: more peers than that share them. */
const MOST_IDLE_BUFFERS = 32
/** Piece lists kept unpacked between requests. */
const MOST_LISTS = 16

/** What of a growing content can be served. */
export interface Growing {
  have(): Have
  /** True if `into` now holds the verified piece. */
  read(ordinal: number, offset: number, into: Uint8Array): Promise<boolean>
}

export interface PieceServerNeeds {
  readonly index: Pick<FolderIndex, 'pieceList' | 'placesOf'>
  /** Of a stretch; null if there is none of that name. */
  readonly stretchList: (name: RootHash) => PieceList | null
  readonly reader: Pick<ContentReader, 'read'>
  readonly recent: Pick<RecentContents, 'keep' | 'get'>
  readonly growing: (root: RootHash) => Growing | null
  readonly clock: Pick<Clock, 'after'>
}

interface KnownList {
  readonly list: PieceList
  readonly offsets: Float64Array
}

export class PieceServer {
  readonly #needs: PieceServerNeeds
  readonly #buffers = new BufferPool({ bytes: MAX_PIECE_BYTES, mostIdle: MOST_IDLE_BUFFERS })
  readonly #lists = new Map<RootHash, KnownList>()
  readonly #wanted = new Map<RootHash, Set<Peer>>()
  readonly #gains: Gains

  constructor(needs: PieceServerNeeds) {
    this.#needs = needs
    this.#gains = new Gains({ wanting: (root) => this.alsoWanting(root), clock: needs.clock })
  }

  /** A peer fetches, or no longer fetches, a content: it is told what we have of it, now and as that grows. */
  wanted(peer: Peer, root: RootHash, wanted: boolean): void {
    this.#note(peer, root, wanted)
    if (wanted) peer.send({ type: 'have', root, have: this.#have(root), ...this.#shortList(root) })
  }

  /** The same for small contents: what is here whole is told in one message, of the rest when it comes. */
  wantedSmall(peer: Peer, roots: readonly RootHash[], wanted: boolean): void {
    for (const root of roots) this.#note(peer, root, wanted)
    const here = wanted ? roots.filter((root) => this.#isHere(root)) : []
    sendSmallHaves(peer, here)
  }

  /** The peers that fetch this content too. */
  alsoWanting(root: RootHash): ReadonlySet<Peer> {
    return this.#wanted.get(root) ?? new Set()
  }

  /** True while the peer fetches anything. */
  isWanting(peer: Peer): boolean {
    return this.#wanted.values().some((peers) => peers.has(peer))
  }

  gone(peer: Peer): void {
    for (const [root, peers] of this.#wanted) if (peers.delete(peer) && peers.size === 0) this.#wanted.delete(root)
  }

  /** A transfer has got a piece: those who want the content will hear. */
  gained(root: RootHash, ordinal: number): void {
    if (this.#wanted.has(root)) this.#gains.piece(root, ordinal)
  }

  /** A small content has come: it is served from now on, though it is not installed yet. */
  came(root: RootHash, bytes: Uint8Array): void {
    this.#needs.recent.keep(root, bytes)
    if (this.#wanted.has(root)) this.#gains.small(root)
  }

  /** The content is here as a whole now, or has gone: those who want it hear the new state. */
  changed(root: RootHash): void {
    this.#gains.forget(root)
    const peers = this.#wanted.get(root)
    if (peers === undefined) return
    const have = this.#have(root)
    for (const peer of peers) peer.send({ type: 'have', root, have })
  }

  pieceList(root: RootHash): Uint8Array | null {
    const list = this.#needs.index.pieceList(root)
    return list === null ? null : packPieceList(list)
  }

  /** Null if it is not here, cannot be read, or is not what its hash says. */
  async piece(root: RootHash, ordinal: number): Promise<ServedPiece | null> {
    const recent = this.#needs.recent.get(root)
    if (recent !== null) return ordinal === 0 ? { bytes: recent, release: () => {} } : null
    const known = this.#known(root)
    if (known === null || ordinal >= known.list.count) return null
    const offset = known.offsets[ordinal] ?? 0
    const length = (known.offsets[ordinal + 1] ?? 0) - offset
    const buffer = this.#buffers.take()
    const bytes = buffer.subarray(0, length)
    if (await this.#read(root, ordinal, offset, pieceHash(known.list, ordinal), bytes))
      return { bytes, release: () => this.#buffers.give(buffer) }
    this.#buffers.give(buffer)
    return null
  }

  #note(peer: Peer, root: RootHash, wanted: boolean): void {
    const peers = this.#wanted.get(root) ?? new Set()
    if (wanted) peers.add(peer)
    else peers.delete(peer)
    if (peers.size > 0) this.#wanted.set(root, peers)
    else this.#wanted.delete(root)
  }

  async #read(root: RootHash, ordinal: number, offset: number, hash: Uint8Array, into: Uint8Array): Promise<boolean> {
    const growing = this.#needs.growing(root)
    if (growing !== null && (await growing.read(ordinal, offset, into))) return true
    return await this.#needs.reader.read(root, offset, hash, into)
  }

  #isHere(root: RootHash): boolean {
    return this.#needs.recent.get(root) !== null || this.#needs.index.placesOf(root).length > 0
  }

  #have(root: RootHash): Have {
    if (this.#needs.index.placesOf(root).length > 0) return { all: true }
    return this.#needs.growing(root)?.have() ?? NOTHING
  }

  #shortList(root: RootHash): { readonly list?: Uint8Array } {
    const list = this.#needs.index.pieceList(root)
    if (list === null || list.count * PACKED_PIECE_BYTES > MAX_TOLD_LIST_BYTES) return {}
    return { list: packPieceList(list) }
  }

  #known(root: RootHash): KnownList | null {
    const known = this.#lists.get(root)
    if (known !== undefined) return known
    const stretch = this.#needs.stretchList(root)
    const list = stretch ?? this.#needs.index.pieceList(root)
    if (list === null) return null
    const made = { list, offsets: pieceOffsets(list) }
    if (stretch !== null) return made // short, and so many that none would be found again
    const oldest = this.#lists.keys().next()
    if (this.#lists.size >= MOST_LISTS && !oldest.done) this.#lists.delete(oldest.value)
    this.#lists.set(root, made)
    return made
  }
}
