/** Strings that must not be mixed up: each is made in one place, which checks it. */

declare const brand: unique symbol
type Brand<T, Name extends string> = T & { readonly [brand]: Name }

/**
 * A relative POSIX path in a folder, byte-exact (its UTF-8 bytes are the name on disk), without leading or
 * trailing slash. Made by `parsePath` (sync/path.ts) only.
 */
export type RelPath = Brand<string, 'RelPath'>

/** A directory in a folder: a `RelPath`, or '' for the root itself. */
export type DirPath = RelPath | ''

/** 64 hexadecimal digits: the BLAKE3 hash of a piece list, the name of a content. */
export type RootHash = Brand<string, 'RootHash'>

/** 16 hexadecimal digits: one index on one host, chosen at random when the index is made. */
export type ReplicaId = Brand<string, 'ReplicaId'>

/** 32 hexadecimal digits: a folder, derived from its secret. */
export type FolderId = Brand<string, 'FolderId'>

/** One line of known_hosts as the operator wrote it, such as `isoserver01.example.com:58889`. */
export type HostName = Brand<string, 'HostName'>

/** Hexadecimal digits as a hash or id: for values that come from our own index, wire decoder or generator. */
export function fromHex<T extends RootHash | ReplicaId | FolderId>(hex: string): T {
  return hex as T
}
