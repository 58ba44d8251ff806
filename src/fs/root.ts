/**
 * The port to one root and its staging and archive: the only door to the tree. `DiskRoot` (disk-root.ts) is the real
 * one, `MemoryRoot` (memory-root.ts) the fake; both pass test/fs/root-compliance.ts.
 *
 * Every path is walked by handle from the root, and a symbolic link on the way is refused. Every method that would
 * replace or move something takes the Stat that the caller believes in, and fails with code 'changed' when the disk
 * shows another: then the caller rescans that path first.
 */
import { type DirPath, type RelPath, type RootHash } from '../base/brand.ts'
import { type Stat } from '../sync/entry.ts'

export type FsErrorCode =
  | 'missing' // it, or a directory above it, is not there
  | 'changed' // not what the caller expected: rescan
  | 'denied' // EACCES, EPERM
  | 'link-in-the-way' // a symbolic link or a file where a directory of the path should be
  | 'not-empty'
  | 'no-space' // ENOSPC, EDQUOT
  | 'read-only' // EROFS
  | 'io' // EIO, a failed fsync, anything else

/** An operation on the tree failed. `path` is as the operator knows it; `cause` is the system's error. */
export class FsError extends Error {
  override readonly name = 'FsError'
  readonly code: FsErrorCode
  readonly path: string
  constructor(code: FsErrorCode, path: string, sentence: string, options?: ErrorOptions) {
    super(`${path}: ${sentence}`, options)
    this.code = code
    this.path = path
  }
}

export interface Listing {
  /** Sorted by name; what lstat says of each. */
  readonly children: readonly { readonly name: string; readonly stat: Stat }[]
  /** Names that are not UTF-8 (escaped for people), and names whose lstat failed: each a problem, none a deletion. */
  readonly unusable: readonly { readonly shown: string; readonly reason: 'not-utf8' | FsErrorCode }[]
}

/** An open file. `fd` is its descriptor for a hashing thread, or null where there is none (the fake). */
export interface OpenFile {
  readonly fd: number | null
  stat(): Promise<Stat>
  /** Fills as much of `into` as there is from `position` on; returns the bytes read, 0 at the end. */
  read(into: Uint8Array, position: number): Promise<number>
  close(): Promise<void>
}

/** A file growing in staging. Named by the content's root hash, so a transfer finds it again after a restart. */
export interface StagedFile extends OpenFile {
  write(bytes: Uint8Array, position: number): Promise<void>
  /** Sets the final length: unwritten spans are holes that read as zeros. */
  truncate(size: number): Promise<void>
  /** No byte from `offset` up to there was ever written. `offset` where nobody knows, Infinity where none follows. */
  dataFrom(offset: number): number
  /** Whether `share` can do anything here: XFS and btrfs let files share blocks. */
  canShare(): boolean
  /** Lets a span be that of another file, with nothing written; false where that cannot be. All in whole blocks. */
  share(
    source: OpenFile,
    span: { readonly from: number; readonly to: number; readonly length: number },
  ): Promise<boolean>
  /** fdatasync. After a failure the file must be thrown away, the sync not retried. */
  sync(): Promise<void>
}

/** A content that lies whole in staging, or the bytes of one that does not yet. */
export type Staged = RootHash | { readonly root: RootHash; readonly bytes: Uint8Array }

/** Why a file is moved into the archive: part of the archive's listing. */
export type ArchiveReason = 'deleted' | 'replaced' | 'conflict' | 'rotten'

export interface ArchivedFile {
  /** Path in the archive, such as `debian/debian-12.iso.20260101T120000Z`: unique, never ends in `.iso`. */
  readonly name: string
  readonly stat: Stat
}

/** What to do with the file that is replaced or deleted. `use_sync_trash: false` and too-large files are removed. */
export type OldFile = { readonly to: 'archive'; readonly nowMs: number } | { readonly to: 'nowhere' }

export interface Installed {
  readonly stat: Stat
  /** Where the replaced file went; null where there was none or it was removed. */
  readonly archived: ArchivedFile | null
}

export interface Marker {
  readonly folder: string
  readonly replica: string
}

export interface Root {
  list(dir: DirPath): Promise<Listing>
  /** Null when nothing is there (ENOENT, ENOTDIR); any other trouble throws. */
  stat(path: RelPath): Promise<Stat | null>
  /** The target of the symbolic link at `path`. */
  readLink(path: RelPath): Promise<string>
  /** Opens a regular file for reading, following no link and never blocking on a pipe. */
  open(path: RelPath): Promise<OpenFile>

  /** Null when a root that is there has none; throws where the root itself cannot be opened. */
  readMarker(): Promise<Marker | null>
  writeMarker(marker: Marker): Promise<void>
  /**
   * The marker, as it was read or written here, is ours: from now on nothing in the tree is made, changed or removed ('changed')
   * but where it was seen. A look at the marker before each change would not do: another disk may be mounted just after it.
   */
  trust(marker: Marker): void
  /** The text of `.sync/IgnoreList` (written with `defaultText` first if it is not there). */
  readIgnoreList(defaultText: string): Promise<string>

  /** Opens, or creates, the staging file of a content. */
  openStaged(root: RootHash): Promise<StagedFile>
  /** Gives what is staged another name, also where it is open; takes away what was staged under that one. */
  renameStaged(from: RootHash, to: RootHash): Promise<void>
  listStaged(): Promise<readonly RootHash[]>
  dropStaged(root: RootHash): Promise<void>
  /** Removes from staging what is no content: links that a crash left there. */
  dropLeftovers(): Promise<void>
  /**
   * Publishes what is staged (a small content is staged only now) under its final name: mode, owner, mtime; fsync; the old file away; rename; fsync of the
   * directories. Makes missing parent directories. `expected` is what the caller believes to stand there now.
   */
  install(staged: Staged, path: RelPath, mtimeUs: number, expected: Stat | null, old: OldFile): Promise<Installed>
  /** Moves a file or link inside the root; `expectedAt` at `from`, nothing at `to`. fsyncs both directories. */
  move(from: RelPath, to: RelPath, expectedAt: Stat, mtimeUs: number | null): Promise<Stat>
  /** Takes a file or link out of the tree. Null when it was removed (`old.to` 'nowhere', or a link). */
  remove(path: RelPath, expected: Stat, old: OldFile): Promise<ArchivedFile | null>
  makeDirectory(path: RelPath): Promise<Stat>
  /** Removes an empty directory; 'not-empty' otherwise. */
  removeDirectory(path: RelPath): Promise<void>
  /** Makes a symbolic link by rename, replacing what `expected` describes. */
  makeLink(path: RelPath, target: string, expected: Stat | null, old: OldFile): Promise<Installed>
  setMtime(path: RelPath, mtimeUs: number, expected: Stat): Promise<Stat>

  listArchive(): Promise<readonly ArchivedFile[]>
  openArchived(name: string): Promise<OpenFile>
  /** Moves an archived file back into the tree, where nothing may stand. */
  restore(name: string, path: RelPath): Promise<Stat>
  purgeArchived(name: string): Promise<void>

  /** Writes a little beside staging and takes it away again: throws what a full, read-only or failing disk says. */
  assertWritable(): Promise<void>
  /** Bytes that we may still write, above min_free_space. */
  freeBytes(): Promise<number>
}
