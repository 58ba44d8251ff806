/** Records to and from their wire form. The form is checked here, the signature by whoever stores a record. */
import { create, type MessageInitShape } from '@bufbuild/protobuf'
import { assertNever } from '../base/assert.ts'
import { fromHex, type RelPath, type ReplicaId, type RootHash } from '../base/brand.ts'
import { linkTargetTrouble, parsePath, pathTrouble } from '../sync/path.ts'
import { type RecordBody, type SignedRecord } from '../sync/record.ts'
import { type Version } from '../sync/version.ts'
import * as limits from './limits.ts'
import { type Record as WireRecord, RecordSchema } from './wire_pb.ts'

const REPLICA_BYTES = 8
const ROOT_BYTES = 32
const SIGNATURE_BYTES = 64

/** What a peer sent breaks the protocol; the message says what it was. */
export class ProtocolError extends Error {
  override readonly name = 'ProtocolError'
}

export function refuse(what: string): never {
  throw new ProtocolError(what)
}

export function toWireRecord(record: SignedRecord): WireRecord {
  return create(RecordSchema, {
    path: record.path,
    replicas: Buffer.from(record.version.map(([replica]) => replica).join(''), 'hex'),
    counters: record.version.map(([, counter]) => BigInt(counter)),
    author: bytesOf(record.author),
    previous: bytesOf(record.previous ?? ''),
    earlier: bytesOf(record.earlier.join('')),
    orderUs: BigInt(record.orderUs),
    signature: record.signature,
    body: wireBody(record),
  })
}

/** Throws ProtocolError when the form is wrong. */
export function fromWireRecord(wire: WireRecord): SignedRecord {
  const path = pathFrom(wire.path)
  const common = {
    path,
    version: versionFrom(wire.replicas, wire.counters),
    author: replicaFrom(wire.author),
    previous: wire.previous.byteLength === 0 ? null : rootFrom(wire.previous),
    earlier: earlierFrom(wire.earlier),
    orderUs: integerFrom(wire.orderUs),
  }
  if (wire.signature.byteLength !== SIGNATURE_BYTES) refuse(`a signature of ${wire.signature.byteLength} bytes`)
  return { ...common, ...bodyFrom(path, wire.body), signature: wire.signature } as SignedRecord
}

export function pathFrom(text: string): RelPath {
  if (text.length > limits.MAX_PATH_BYTES) refuse(`a path of ${text.length} characters`)
  return parsePath(text) ?? refuse(`a path that may not be: ${pathTrouble(text)}`)
}

export function rootFrom(bytes: Uint8Array): RootHash {
  return bytes.byteLength === ROOT_BYTES ? fromHex(hexOf(bytes)) : refuse(`a root hash of ${bytes.byteLength} bytes`)
}

/** Root hashes that lie side by side. */
export function rootsFrom(bytes: Uint8Array, most: number): readonly RootHash[] {
  const count = bytes.byteLength / ROOT_BYTES
  if (!Number.isInteger(count) || count > most) refuse(`root hashes of ${bytes.byteLength} bytes`)
  const hex = hexOf(bytes)
  return Array.from({ length: count }, (_, i) => fromHex(hex.slice(i * 2 * ROOT_BYTES, (i + 1) * 2 * ROOT_BYTES)))
}

export function replicaFrom(bytes: Uint8Array): ReplicaId {
  return bytes.byteLength === REPLICA_BYTES
    ? fromHex(hexOf(bytes))
    : refuse(`a replica id of ${bytes.byteLength} bytes`)
}

/** A number that JavaScript holds exactly; sequences and sizes are far below 2^53. */
export function integerFrom(value: bigint): number {
  const number = Number(value)
  return Number.isSafeInteger(number) ? number : refuse(`the number ${value}`)
}

export function bytesOf(hex: string): Uint8Array {
  return Buffer.from(hex, 'hex')
}

export function hexOf(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('hex')
}

function wireBody(body: RecordBody): NonNullable<MessageInitShape<typeof RecordSchema>['body']> {
  switch (body.kind) {
    case 'file': {
      const value = { size: BigInt(body.size), mtimeUs: BigInt(body.mtimeUs), root: bytesOf(body.root) }
      return { case: 'file', value }
    }
    case 'link':
      return { case: 'link', value: { target: body.target } }
    case 'directory':
    case 'tombstone':
      return { case: body.kind, value: {} }
    default:
      return assertNever(body)
  }
}

function bodyFrom(path: RelPath, body: WireRecord['body']) {
  switch (body.case) {
    case 'file':
      return {
        kind: 'file',
        size: integerFrom(body.value.size),
        mtimeUs: integerFrom(body.value.mtimeUs),
        root: rootFrom(body.value.root),
      }
    case 'link': {
      const { target } = body.value
      if (target.length > limits.MAX_LINK_TARGET_BYTES) refuse(`a link target of ${target.length} characters`)
      const trouble = linkTargetTrouble(path, target)
      return trouble === null ? { kind: 'link', target } : refuse(`a link that may not be: ${trouble}`)
    }
    case 'directory':
    case 'tombstone':
      return { kind: body.case }
    default:
      return refuse('a record of no known kind')
  }
}

function earlierFrom(bytes: Uint8Array): readonly RootHash[] {
  return rootsFrom(bytes, limits.MAX_EARLIER_CONTENTS)
}

function versionFrom(replicas: Uint8Array, counters: readonly bigint[]): Version {
  if (counters.length > limits.MAX_VERSION_REPLICAS) refuse(`a version of ${counters.length} hosts`)
  if (replicas.byteLength !== counters.length * REPLICA_BYTES) refuse('a version whose hosts and counters do not match')
  const version: [ReplicaId, number][] = []
  for (const [i, counter] of counters.entries()) {
    const replica = replicaFrom(replicas.subarray(i * REPLICA_BYTES, (i + 1) * REPLICA_BYTES))
    const before = version.at(-1)
    if (before !== undefined && before[0] >= replica) refuse('a version whose hosts are not in order')
    const count = integerFrom(counter)
    if (count === 0) refuse('a version with a counter of 0')
    version.push([replica, count])
  }
  return version
}
