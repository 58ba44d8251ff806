/**
 * The index as the engine sees it: one folder's records, entries, piece lists and archive, in one SQLite database
 * for the whole host. Reads are plain calls; all changes go through `commit`, one transaction a batch (fsynced).
 */
import { type DirPath, type RelPath, type ReplicaId, type RootHash } from '../base/brand.ts'
import { type Approval } from '../sync/approval.ts'
import { type Entry, type FileEntry } from '../sync/entry.ts'
import { type PieceList } from '../sync/piece-list.ts'
import { type SignedRecord } from '../sync/record.ts'

/** One file in the archive of this folder. */
export interface ArchivedContent {
  readonly name: string
  readonly path: RelPath
  readonly root: RootHash
  readonly size: number
  /**
   * 'rotten': the copy that a scrub found rotten, under the root hash of what really is in it. 'unknown': it was found
   * there by a new index.
   */
  readonly reason: 'deleted' | 'replaced' | 'conflict' | 'rotten' | 'unknown'
  /** Wall clock, milliseconds: for people. */
  readonly archivedMs: number
}

/** A file as a scrub goes about it. */
export interface ScrubFile {
  readonly path: RelPath
  readonly size: number
  /** Wall clock, milliseconds: when a scrub last found it right; null: not since it came. */
  readonly verifiedMs: number | null
}

/** Wall clock, milliseconds. */
export interface ScrubRound {
  /** Since when a round has been on its way; null: none is. */
  readonly beganMs: number | null
  /** When the last round ended; null: none has yet. */
  readonly endedMs: number | null
}

/** A file whose bytes changed although nothing has touched it. Its entry names what really lies there. */
export interface RottenFile {
  readonly path: RelPath
  readonly badPieces: number
  readonly pieces: number
  /** Wall clock, milliseconds. */
  readonly foundMs: number
}

/** What we know of a peer's and our own numbering, so that a reconnect only costs the difference. */
export interface PeerProgress {
  /** The last sequence of the peer's that we have stored. */
  readonly received: number
  /** The last sequence of ours that the peer said it has stored. */
  readonly acknowledged: number
}

export type Change =
  /** The record set of a path, whole: those not yet stored get the next sequences, those no longer named go. */
  | { readonly op: 'records'; readonly path: RelPath; readonly records: readonly SignedRecord[] }
  | { readonly op: 'entry'; readonly entry: Entry }
  | { readonly op: 'forget-entry'; readonly path: RelPath }
  /** Also makes the pieces findable. */
  | { readonly op: 'content'; readonly root: RootHash; readonly list: PieceList }
  /** A scrub has read the file at this path and found this content. */
  | { readonly op: 'verified'; readonly path: RelPath; readonly root: RootHash; readonly atMs: number }
  /** After the entry that says what lies there. Undone by itself when the entry holds something else, or another version. */
  | { readonly op: 'rotten'; readonly file: RottenFile }
  | { readonly op: 'scrub-round'; readonly round: ScrubRound }
  /** The root of the folder has its marker. */
  | { readonly op: 'marked' }
  /** The operator has let it go. Undone by itself when the entry takes up a version. */
  | { readonly op: 'approved'; readonly approval: Approval }
  | { readonly op: 'archived'; readonly file: ArchivedContent }
  /** For so long in all, milliseconds, daemons have run with this folder. */
  | { readonly op: 'used'; readonly ms: number }
  | { readonly op: 'unarchived'; readonly name: string }
  | { readonly op: 'received'; readonly peer: ReplicaId; readonly sequence: number }
  | { readonly op: 'acknowledged'; readonly peer: ReplicaId; readonly sequence: number }

export interface Sequenced {
  readonly sequence: number
  readonly record: SignedRecord
}

/** A place on this host that holds a whole content. */
export type ContentPlace =
  | { readonly in: 'tree'; readonly folder: string; readonly entry: FileEntry }
  | { readonly in: 'archive'; readonly folder: string; readonly name: string }

/** A piece that some content known here has at some offset. The bytes are still to be checked. */
export interface PiecePlace {
  readonly root: RootHash
  readonly ordinal: number
  readonly offset: number
  readonly length: number
}

export interface FolderCounts {
  readonly files: number
  readonly bytes: number
  readonly directories: number
  readonly links: number
  readonly tombstones: number
}

export interface FolderIndex {
  /** This index's id: the author of our records. */
  readonly replica: ReplicaId

  /** The records of a path that none other dominates; empty for an unknown path. */
  recordsOf(path: RelPath): readonly SignedRecord[]
  /** Up to `limit` records with a sequence above `after`, in order. */
  recordsAfter(after: number, limit: number): readonly Sequenced[]
  lastSequence(): number
  /** Paths of all records, tombstones too, each once: by directory, then by name, both in byte order. */
  recordPaths(): Iterable<RelPath>

  /** Whether the operator has let it go, and it has not been carried out. */
  isApproved(approval: Approval): boolean

  entry(path: RelPath): Entry | null
  /** True once anything was seen or made under the root, even if it is absent now. */
  hasEntries(): boolean
  /** True once the root was marked: a directory without a marker is not it, even if it was always empty. */
  isMarked(): boolean
  /** The entries whose parent is `dir` ('absent' ones left out), sorted by name. */
  entriesIn(dir: DirPath): readonly Entry[]
  /** All entries below `dir` ('absent' ones left out): by directory, then by name, both in byte order. */
  entriesUnder(dir: DirPath): Iterable<Entry>
  /** `dir` and the directories below it, as far as entries lie in them ('absent' ones left out), in byte order. */
  directoriesWithEntries(dir: DirPath): Iterable<DirPath>
  /** The file entries of this folder that hold a content. */
  entriesHolding(root: RootHash): readonly FileEntry[]
  /** All places in any folder of this host that hold a content whole. */
  placesOf(root: RootHash): readonly ContentPlace[]
  counts(): FolderCounts

  /** The piece list of a content that some file, archived file or transfer here has; null if unknown. */
  pieceList(root: RootHash): PieceList | null
  /** Where a piece with this hash lies in contents known here (all folders). */
  findPiece(hash: Uint8Array): readonly PiecePlace[]

  /** All files, by directory, then by name. It may be left for days and taken up again while the index changes. */
  scrubFiles(): Iterable<ScrubFile>
  /** Null where no file lies. */
  scrubFile(path: RelPath): ScrubFile | null
  scrubRound(): ScrubRound
  rotten(): readonly RottenFile[]

  archive(): readonly ArchivedContent[]
  /** What came into the archive when `usedMs` was less than this. */
  archivedBefore(usedMs: number): readonly ArchivedContent[]
  /** For how long daemons have run with this folder, milliseconds, as far as that has been noted ('used'). */
  usedMs(): number
  peerProgress(peer: ReplicaId): PeerProgress
  /** Replica ids of all peers that ever synced this folder with us. */
  knownPeers(): readonly ReplicaId[]

  /** All changes or none; durable when it returns (synchronous = FULL), or when the outer `together` returns. */
  commit(changes: readonly Change[]): void
  /** Runs `work` in one transaction: what it commits becomes durable together, or nothing of it does if it throws. */
  together<T>(work: () => T): T
}
