/** Hashes, ids and versions as the bytes that the index keeps. */
import { assert } from '../base/assert.ts'
import { type FolderId, fromHex, type ReplicaId, type RootHash } from '../base/brand.ts'
import { type Version } from '../sync/version.ts'

const REPLICA_BYTES = 8
const ROOT_BYTES = 32
/** Counters are unix seconds or a little more: six bytes last for ever. */
const COUNTER_BYTES = 6
const PAIR_BYTES = REPLICA_BYTES + COUNTER_BYTES

export function blobOf(hex: RootHash | ReplicaId | FolderId): Buffer {
  return Buffer.from(hex, 'hex')
}

export function hexOf<T extends RootHash | ReplicaId | FolderId>(blob: Uint8Array): T {
  return fromHex<T>(asBuffer(blob).toString('hex'))
}

/** 14 bytes a replica, see schema.sql. */
export function packVersion(version: Version): Buffer {
  const packed = Buffer.alloc(version.length * PAIR_BYTES)
  version.forEach(([replica, counter], i) => {
    const written = packed.write(replica, i * PAIR_BYTES, 'hex')
    assert(written === REPLICA_BYTES, `replica id ${replica} is not 16 hexadecimal digits`)
    packed.writeUIntLE(counter, i * PAIR_BYTES + REPLICA_BYTES, COUNTER_BYTES)
  })
  return packed
}

export function unpackVersion(packed: Uint8Array): Version {
  const bytes = asBuffer(packed)
  const version: [ReplicaId, number][] = []
  for (let at = 0; at + PAIR_BYTES <= bytes.length; at += PAIR_BYTES) {
    const counterAt = at + REPLICA_BYTES
    version.push([fromHex(bytes.toString('hex', at, counterAt)), bytes.readUIntLE(counterAt, COUNTER_BYTES)])
  }
  return version
}

/** 32 bytes a root hash; null for none. */
export function packRoots(roots: readonly RootHash[]): Buffer | null {
  return roots.length === 0 ? null : Buffer.from(roots.join(''), 'hex')
}

export function unpackRoots(packed: Uint8Array | null): readonly RootHash[] {
  if (packed === null) return []
  const count = packed.byteLength / ROOT_BYTES
  return Array.from({ length: count }, (_, i) => hexOf(packed.subarray(i * ROOT_BYTES, (i + 1) * ROOT_BYTES)))
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}
