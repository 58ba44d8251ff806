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
import { assertNever } from '../base/assert.ts'
import { type FolderId } from '../base/brand.ts'
import { ByteWriter } from './byte-writer.ts'
import { type RecordBody } from './record.ts'

const DOMAIN = 'isosync/1 record'
/** Used again for each record: none is written while another is. */
const writer = new ByteWriter()

/** What an author signs: the folder is in it, so that a record cannot be carried into another folder. */
export function signedBytes(folder: FolderId, body: RecordBody): Uint8Array {
  writer.text(DOMAIN)
  writer.hex(folder)
  writeBody(body)
  return writer.take()
}

/** The same without domain and folder: equal bytes are equal bodies. The last tie-break between records. */
export function bodyBytes(body: RecordBody): Uint8Array {
  writeBody(body)
  return writer.take()
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

function writeBody(body: RecordBody): void {
  writer.text(body.kind)
  writer.text(body.path)
  writer.hex(body.author)
  writer.u32(body.version.length)
  for (const [replica, counter] of body.version) {
    writer.hex(replica)
    writer.i64(counter)
  }
  writer.hex(body.previous ?? '')
  writer.i64(body.orderUs)
  writeContent(body)
  if (body.earlier.length > 0) writer.hex(body.earlier.join(''))
}

function writeContent(body: RecordBody): void {
  switch (body.kind) {
    case 'file':
      writer.i64(body.size)
      writer.i64(body.mtimeUs)
      return writer.hex(body.root)
    case 'link':
      return writer.text(body.target)
    case 'directory':
    case 'tombstone':
      return
    default:
      return assertNever(body)
  }
}
