/**
 * The port to other hosts: a Peer is a host that is connected and proven for one folder. The real one speaks libp2p
 * (folder-net.ts), the fake one joins engines in one process.
 */
import { type HostName, type RelPath, type ReplicaId, type RootHash } from '../base/brand.ts'
import { type Have } from '../sync/piece-set.ts'
import { type SignedRecord } from '../sync/record.ts'
import { type Stretch } from '../sync/stretch.ts'

export { type Have }

/** How far one host is with one path: the answer to `isosyncd where`. */
export interface PathState {
  /** 'whole': there, verified, and the disk still shows what was verified. */
  readonly state: 'whole' | 'partial' | 'missing' | 'problem'
  readonly root: RootHash | null
  readonly size: number
  /** 0 to 100. */
  readonly percent: number
  /** For people: why not, if not whole. */
  readonly detail: string
}

/** Messages of one folder, both ways, in order. */
export type FolderMessage =
  /**
   * Records that follow each other in the sender's numbering: all those after `after` up to `upTo`. A push has the
   * same form; a receiver that misses something before `after` asks with 'since'.
   */
  | {
      readonly type: 'records'
      readonly after: number
      readonly upTo: number
      readonly records: readonly SignedRecord[]
    }
  /** Send me what follows your sequence `after`: one page. Doubles as the acknowledgement of all up to it. */
  | { readonly type: 'since'; readonly after: number }
  /** I have stored all up to your sequence `upTo`. */
  | { readonly type: 'stored'; readonly upTo: number }
  /** I am (no longer) fetching this content: tell me what you have of it, now and as it grows. */
  | { readonly type: 'want'; readonly root: RootHash; readonly wanted: boolean }
  /**
   * What I have of a content, whole state (never a difference). With its packed piece list where that is short
   * (limits.ts): most small files then need no further question.
   */
  | { readonly type: 'have'; readonly root: RootHash; readonly have: Have; readonly list?: Uint8Array }
  /** Pieces that I have got since (differences). */
  | { readonly type: 'gained'; readonly root: RootHash; readonly ordinals: readonly number[] }
  /** The same as 'want' for contents of one piece at most: who has some of them whole says so, now or later. */
  | { readonly type: 'small-want'; readonly roots: readonly RootHash[]; readonly wanted: boolean }
  | { readonly type: 'small-have'; readonly roots: readonly RootHash[] }
  /** I am hashing a file, and can give these pieces of it already: under the name of the stretch, as those of a content. */
  | { readonly type: 'stretch'; readonly stretch: Stretch }
  | { readonly type: 'where'; readonly id: number; readonly path: RelPath }
  | { readonly type: 'where-answer'; readonly id: number; readonly answer: PathState }

export interface Peer {
  /** The line of known_hosts that it answers to. */
  readonly host: HostName
  readonly deviceName: string
  readonly replica: ReplicaId
  /** Whether it has proven the read-write secret. */
  readonly writer: boolean
  readonly site: string | null
  /** How far it is: the round trip when nothing queues on the way. NaN before it is known. */
  rttMs(): number
  /** For how long the peer has sent not a byte of the pieces that it may send; 0 when it may send none. */
  silentMs(): number
  /** Queues a message. The queue is bounded: a peer that does not read is disconnected. */
  send(message: FolderMessage): void
  /** The whole piece list of a content, packed. Rejects if the peer has not got it or sends more than `maxBytes`. */
  fetchPieceList(root: RootHash, maxBytes: number, signal: AbortSignal): Promise<Uint8Array>
  /**
   * Asks for pieces of a content; they arrive in the order asked, each with its full length (`lengths[i]` bytes for
   * `ordinals[i]`), through `receive`. The bytes are only valid until `receive` has resolved; the next piece may be
   * handed over before that, and a slow `receive` slows the peer down. Resolves when all have come and been taken,
   * rejects with PeerGone, PieceRefused, or what `receive` rejected with. At most 4,096 pieces a call; several calls
   * may run at a time and share the connection.
   */
  fetchPieces(
    root: RootHash,
    ordinals: readonly number[],
    lengths: readonly number[],
    receive: (ordinal: number, bytes: Uint8Array) => Promise<void>,
    signal: AbortSignal,
  ): Promise<void>
  /**
   * Asks for whole contents of one piece each; they arrive in the order asked, with `lengths[i]` bytes for `roots[i]`,
   * through `receive`, which is told `i`. All else as with `fetchPieces`.
   */
  fetchContents(
    roots: readonly RootHash[],
    lengths: readonly number[],
    receive: (i: number, bytes: Uint8Array) => Promise<void>,
    signal: AbortSignal,
  ): Promise<void>
  /** Drops the peer for this folder: it broke the protocol. The reason is logged on both sides. */
  ban(reason: string): void
}

/** The connection ended while something was under way; others take over. */
export class PeerGone extends Error {
  override readonly name = 'PeerGone'
}

/** The peer answered that it does not have, or cannot read, what was asked. */
export class PieceRefused extends Error {
  override readonly name = 'PieceRefused'
}

/** A piece read for a peer. `release` gives its buffer back once the bytes are on their way. */
export interface ServedPiece {
  readonly bytes: Uint8Array
  release(): void
}

/** What the network calls; given when a folder is opened. None may throw. */
export interface FolderHandlers {
  up(peer: Peer): void
  down(peer: Peer, reason: string): void
  message(peer: Peer, message: FolderMessage): void
  /** Null: not here. */
  servePieceList(root: RootHash): Uint8Array | null
  /** Null: not here, or not readable, or not what it should be. */
  servePiece(root: RootHash, ordinal: number): Promise<ServedPiece | null>
}
