/**
 * The bytes that a record's signature covers. Part of the protocol: the golden tests must never change.
 *
 *     text "isosync/1 record" | hex folder | text kind | text path | hex author
 *     | u32 pairs, then per pair: hex replica, i64 counter
 *     | hex previous ("" for none) | i64 orderUs
 *     | file: i64 size, i64 mtimeUs, hex root      link: text target      directory, tombstone: nothing
 *     | hex earlier, all in one (nothing at all where there are none)
 *
 * text = u32 bytes, UTF-8; hex = u32 bytes, the bytes that the digits stand for; numbers little-endian. Every part has
 * its length before it and the order is fixed, so two different records can never give the same bytes.
 */
import { assert, assertNever } from '../base/assert.ts'
import { type FolderId } from '../base/brand.ts'
import { type RecordBody } from './record.ts'

const DOMAIN = 'isosync/1 record'
const HEX = /^(?:[0-9a-f]{2})*$/

/** What an author signs: the folder is in it, so that a record cannot be carried into another folder. */
export function signedBytes(folder: FolderId, body: RecordBody): Uint8Array {
  return join([text(DOMAIN), hex(folder), ...bodyParts(body)])
}

/** The same without domain and folder: equal bytes are equal bodies. The last tie-break between records. */
export function bodyBytes(body: RecordBody): Uint8Array {
  return join(bodyParts(body))
}

/** Byte order, a shorter one before its extensions: < 0, 0, > 0. */
export function compareBytes(a: Uint8Array, b: Uint8Array): number {
  const shared = Math.min(a.length, b.length)
  for (let i = 0; i < shared; i++) {
    const difference = (a[i] ?? 0) - (b[i] ?? 0)
    if (difference !== 0) return difference
  }
  return a.length - b.length
}

function bodyParts(body: RecordBody): Uint8Array[] {
  const counters = body.version.flatMap(([replica, counter]) => [hex(replica), i64(counter)])
  return [
    text(body.kind),
    text(body.path),
    hex(body.author),
    u32(body.version.length),
    ...counters,
    hex(body.previous ?? ''),
    i64(body.orderUs),
    ...contentParts(body),
    ...(body.earlier.length === 0 ? [] : [hex(body.earlier.join(''))]),
  ]
}

function contentParts(body: RecordBody): Uint8Array[] {
  switch (body.kind) {
    case 'file':
      return [i64(body.size), i64(body.mtimeUs), hex(body.root)]
    case 'link':
      return [text(body.target)]
    case 'directory':
    case 'tombstone':
      return []
    default:
      return assertNever(body)
  }
}

function text(value: string): Uint8Array {
  return prefixed(new TextEncoder().encode(value))
}

function hex(digits: string): Uint8Array {
  assert(HEX.test(digits), `${JSON.stringify(digits)} is no lower-case hexadecimal id`)
  const bytes = new Uint8Array(digits.length / 2)
  for (let i = 0; i < bytes.length; i++) bytes[i] = Number.parseInt(digits.slice(2 * i, 2 * i + 2), 16)
  return prefixed(bytes)
}

function prefixed(bytes: Uint8Array): Uint8Array {
  return join([u32(bytes.length), bytes])
}

function u32(value: number): Uint8Array {
  const bytes = new Uint8Array(4)
  new DataView(bytes.buffer).setUint32(0, value, true)
  return bytes
}

function i64(value: number): Uint8Array {
  assert(Number.isSafeInteger(value), `a record holds ${value}, which is no whole number that can be kept exactly`)
  const bytes = new Uint8Array(8)
  new DataView(bytes.buffer).setBigInt64(0, BigInt(value), true)
  return bytes
}

function join(parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0))
  let at = 0
  for (const part of parts) {
    whole.set(part, at)
    at += part.length
  }
  return whole
}
