/**
 * Records: what the folder says of one path. The author signs every field (DESIGN: "signed records"), so whoever
 * passes a record on cannot change it.
 */
import { blake3Hex } from '../base/blake3.ts'
import { fromHex, type RelPath, type ReplicaId, type RootHash } from '../base/brand.ts'
import { type Version } from './version.ts'

/** Images change a few times in their lives, and 15 hashes are half a kilobyte. */
export const MOST_EARLIER = 15

interface Common {
  readonly path: RelPath
  readonly version: Version
  readonly author: ReplicaId
  /** The `contentHash` of what this record replaces or deletes; null where there was nothing, or a directory. */
  readonly previous: RootHash | null
  /**
   * Contents that the path held before that, newest first, none twice, at most `MOST_EARLIER`: by them a host whose index is new
   * or behind knows what lies there for a state that the pool has left.
   */
  readonly earlier: readonly RootHash[]
  /**
   * Orders concurrent records: the mtime, or the author's clock at signing if that is earlier. Microseconds since
   * 1970. Never decides whether something is lost.
   */
  readonly orderUs: number
}

export interface FileBody extends Common {
  readonly kind: 'file'
  readonly size: number
  /** Microseconds since 1970. */
  readonly mtimeUs: number
  readonly root: RootHash
}

export interface DirectoryBody extends Common {
  readonly kind: 'directory'
}

export interface LinkBody extends Common {
  readonly kind: 'link'
  /** Relative, and stays inside the root (checked by `linkTargetTrouble`). */
  readonly target: string
}

export interface TombstoneBody extends Common {
  readonly kind: 'tombstone'
}

export type RecordBody = FileBody | DirectoryBody | LinkBody | TombstoneBody
export type RecordKind = RecordBody['kind']

/** A body with its author's Ed25519 signature (64 bytes) over `signedBytes(folder, body)`. */
export type SignedRecord = RecordBody & { readonly signature: Uint8Array }

/** What a path holds, apart from who said so and when: equal keys are equal contents. */
export function contentKey(of: ContentLike): string {
  switch (of.kind) {
    case 'file':
      return `file:${of.root}`
    case 'link':
      return `link:${of.target}`
    default:
      return of.kind
  }
}

/** By what records name a content that lay under the path before: nothing for a directory, one is like another. */
export function contentHash(of: ContentLike): RootHash | null {
  switch (of.kind) {
    case 'file':
      return of.root
    case 'link':
      return linkHash(of.target)
    default:
      return null
  }
}

/** Part of the protocol: must never change. */
function linkHash(target: string): RootHash {
  return fromHex(blake3Hex(new TextEncoder().encode(`isosync/1 link ${target}`)))
}

export type ContentLike =
  | { readonly kind: 'file'; readonly root: RootHash }
  | { readonly kind: 'link'; readonly target: string }
  | { readonly kind: 'directory' | 'tombstone' | 'absent' }
