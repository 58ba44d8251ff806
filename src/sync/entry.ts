/** Entries: what this host has under a path, as it last saw it itself, and which records that stands for. */
import { type RelPath, type RootHash } from '../base/brand.ts'
import { type Version } from './version.ts'

/** What lstat says, as far as we care. Equal stats mean: not touched since. */
export interface Stat {
  readonly kind: 'file' | 'directory' | 'link' | 'other'
  readonly size: number
  /** Microseconds since 1970, rounded down. */
  readonly mtimeUs: number
  readonly ctimeUs: number
  readonly inode: number
}

interface Common {
  readonly path: RelPath
  /** The join of the versions of all records that this entry has taken up: a local change starts from here. */
  readonly version: Version
}

interface Seen {
  readonly mtimeUs: number
  readonly ctimeUs: number
  readonly inode: number
}

export type FileEntry = Common & Seen & { readonly kind: 'file'; readonly size: number; readonly root: RootHash }
export type DirectoryEntry = Common & { readonly kind: 'directory' }
export type LinkEntry = Common & { readonly kind: 'link'; readonly target: string }
/** Deleted here, by a user or by carrying out a tombstone. Kept, so that a re-created file starts from its version. */
export type AbsentEntry = Common & { readonly kind: 'absent' }

export type Entry = FileEntry | DirectoryEntry | LinkEntry | AbsentEntry

/** True when the disk shows exactly what the index last saw. A file's size, mtime, ctime and inode all count. */
export function statMatchesEntry(stat: Stat | null, entry: Entry | null): boolean {
  if (stat === null) return entry === null || entry.kind === 'absent'
  if (entry === null || stat.kind !== entry.kind) return false
  if (entry.kind !== 'file') return true // a link's target is compared by whoever read it
  return sameSeen(stat, entry) && stat.size === entry.size
}

export function sameStat(a: Stat, b: Stat): boolean {
  return a.kind === b.kind && a.size === b.size && sameSeen(a, b)
}

function sameSeen(a: Seen, b: Seen): boolean {
  return a.mtimeUs === b.mtimeUs && a.ctimeUs === b.ctimeUs && a.inode === b.inode
}
