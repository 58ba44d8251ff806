/** Records, entries and piece lists for tests of the index. */
import { createHash } from 'node:crypto'
import { type FolderId, fromHex, type RelPath, type ReplicaId, type RootHash } from '../../src/base/brand.ts'
import { type Entry, type FileEntry } from '../../src/sync/entry.ts'
import { parsePath } from '../../src/sync/path.ts'
import { type PieceList, PieceListBuilder } from '../../src/sync/piece-list.ts'
import { type FileBody, type SignedRecord } from '../../src/sync/record.ts'
import { type Version } from '../../src/sync/version.ts'

const digest = (text: string) => createHash('sha256').update(text).digest()
export const hashNamed = (text: string): Uint8Array => digest(text)
export const rootNamed = (text: string): RootHash => fromHex(digest(text).toString('hex'))
export const replicaNamed = (text: string): ReplicaId => fromHex(digest(text).toString('hex', 0, 8))
export const folderNamed = (text: string): FolderId => fromHex(digest(text).toString('hex', 0, 16))

export function path(text: string): RelPath {
  const parsed = parsePath(text)
  if (parsed === null) throw new Error(`not a path: ${text}`)
  return parsed
}

export const versionOf = (replica: string, counter: number): Version => [[replicaNamed(replica), counter]]

/** A signature is only bytes to the index; another text makes another record. */
export function signatureNamed(text: string): Uint8Array {
  return new Uint8Array(Buffer.concat([digest(text), digest(`${text}'`)]))
}

export function fileRecord(at: string, content: string, counter = 1_700_000_000): SignedRecord & FileBody {
  return {
    kind: 'file',
    path: path(at),
    version: versionOf('a', counter),
    author: replicaNamed('a'),
    previous: null,
    earlier: [],
    orderUs: 1_700_000_000_123_456,
    size: 12_345,
    mtimeUs: 1_700_000_000_123_456,
    root: rootNamed(content),
    signature: signatureNamed(`${at} ${content} ${counter}`),
  }
}

export function tombstone(at: string, previous: string | null, counter = 1_700_000_001): SignedRecord {
  return {
    kind: 'tombstone',
    path: path(at),
    version: versionOf('b', counter),
    author: replicaNamed('b'),
    previous: previous === null ? null : rootNamed(previous),
    earlier: [],
    orderUs: 1_700_000_001_000_000,
    signature: signatureNamed(`${at} gone ${counter}`),
  }
}

export function fileEntry(at: string, content: string, size = 12_345): FileEntry {
  return {
    kind: 'file',
    path: path(at),
    version: versionOf('a', 1_700_000_000),
    size,
    mtimeUs: 1_700_000_000_123_456,
    ctimeUs: 1_700_000_002_123_457,
    inode: 1_234_567,
    root: rootNamed(content),
  }
}

export const directoryEntry = (at: string): Entry => ({ kind: 'directory', path: path(at), version: versionOf('a', 1) })
export const absentEntry = (at: string): Entry => ({ kind: 'absent', path: path(at), version: versionOf('a', 2) })
export const linkEntry = (at: string, target: string): Entry => {
  return { kind: 'link', path: path(at), version: versionOf('a', 3), target }
}

/** A list of pieces of 128 KiB whose hashes are made from `names`, with a short last piece. */
export function listOf(names: readonly string[], lastBytes = 5_000): PieceList {
  const builder = new PieceListBuilder()
  names.forEach((name, i) => builder.add(hashNamed(name), i === names.length - 1 ? lastBytes : 128 * 1024))
  return builder.build()
}
