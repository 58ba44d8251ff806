import assert from 'node:assert/strict'
import { test } from 'node:test'
import { create, toBinary } from '@bufbuild/protobuf'
import fc from 'fast-check'
import { type RelPath, type ReplicaId, type RootHash } from '../../src/base/brand.ts'
import { decodeFrame, decodeIntro, encodeFrame, encodeIntro } from '../../src/net/codec.ts'
import { MAX_RECORDS_PER_PAGE } from '../../src/net/limits.ts'
import { type FolderMessage } from '../../src/net/peer-port.ts'
import { ProtocolError } from '../../src/net/record-codec.ts'
import { FolderFrameSchema, RecordSchema } from '../../src/net/wire_pb.ts'
import { MIN_PIECE_BYTES, type PieceList, PieceListBuilder } from '../../src/sync/piece-list.ts'
import { type SignedRecord } from '../../src/sync/record.ts'
import { frame } from './message-samples.ts'

const ROOT = 'ab'.repeat(32) as RootHash
const REPLICA = '0123456789abcdef' as ReplicaId
const FILE: SignedRecord = {
  kind: 'file',
  path: 'debian-12.iso' as RelPath,
  version: [[REPLICA, 1]],
  author: REPLICA,
  previous: null,
  earlier: [],
  orderUs: -1,
  size: 2 ** 32 + 1,
  mtimeUs: 1_700_000_000_000_000,
  root: ROOT,
  signature: new Uint8Array(64).fill(1),
}

const STRETCH = { path: FILE.path, fileSize: MIN_PIECE_BYTES, offset: 0, list: piecesOf(1) }

/** Of the smallest size. */
function piecesOf(count: number): PieceList {
  const list = new PieceListBuilder()
  for (let i = 0; i < count; i++) list.add(new Uint8Array(32).fill(i), MIN_PIECE_BYTES)
  return list.build()
}

test('every message comes out as it went in', () => {
  fc.assert(
    fc.property(frame, (sent) => {
      assert.deepEqual(plain(decodeFrame(encodeFrame(sent))), plain(sent))
    }),
    { numRuns: 500 },
  )
})

test('what is over a limit or malformed is refused, whatever it is', () => {
  const page = (change: object): FolderMessage => ({
    type: 'records',
    after: 0,
    upTo: 1,
    records: [{ ...FILE, ...change }],
  })
  const cases: readonly (readonly [string, FolderMessage])[] = [
    ['a path that leaves the folder', page({ path: '../etc/passwd' })],
    ['an absolute path', page({ path: '/etc/passwd' })],
    ['an empty path', page({ path: '' })],
    ['a path of 5,000 bytes', page({ path: `${'a/'.repeat(2_500)}a` })],
    ['a name of 256 bytes', page({ path: 'a'.repeat(256) })],
    ['a path with NUL', page({ path: 'a\0b' })],
    ['our own directory', page({ path: '.sync/Archive/x' })],
    ['a short signature', page({ signature: new Uint8Array(63) })],
    ['a short root hash', page({ root: 'ab' })],
    ['a short author', page({ author: 'ab' })],
    ['half a root hash among the earlier ones', page({ earlier: [ROOT, 'ab'] })],
    ['61 earlier contents', page({ earlier: Array.from({ length: 61 }, () => ROOT) })],
    ['a counter of 0', page({ version: [[REPLICA, 0]] })],
    [
      'hosts of a version twice',
      page({
        version: [
          [REPLICA, 1],
          [REPLICA, 2],
        ],
      }),
    ],
    [
      'hosts of a version out of order',
      page({
        version: [
          ['f'.repeat(16), 1],
          [REPLICA, 2],
        ],
      }),
    ],
    [
      'a version of 1,001 hosts',
      page({ version: Array.from({ length: 1_001 }, (_, i) => [i.toString(16).padStart(16, '0'), 1]) }),
    ],
    ['a link that leaves the folder', page({ kind: 'link', target: '../../etc/passwd' })],
    ['a page that ends before it starts', { type: 'records', after: 2, upTo: 1, records: [] }],
    ['a bitmap of 513 KiB', { type: 'have', root: ROOT, have: { all: false, bitmap: new Uint8Array(513 * 1024) } }],
    ['1,001 small contents', { type: 'small-have', roots: Array<RootHash>(1_001).fill(ROOT) }],
    ['a list of 33 pieces unasked', { type: 'have', root: ROOT, have: { all: true }, list: new Uint8Array(33 * 34) }],
    ['a stretch without a piece', { type: 'stretch', stretch: { ...STRETCH, list: piecesOf(0) } }],
    [
      'a stretch of 4,097 pieces',
      { type: 'stretch', stretch: { ...STRETCH, fileSize: 2 ** 40, list: piecesOf(4_097) } },
    ],
    ['a stretch that goes beyond its file', { type: 'stretch', stretch: { ...STRETCH, offset: 1 } }],
    [
      'a stretch with a list of another length',
      { type: 'stretch', stretch: { ...STRETCH, list: { ...STRETCH.list, size: 1 } } },
    ],
    ['a stretch of no path', { type: 'stretch', stretch: { ...STRETCH, path: '..' as RelPath } }],
    ['100,001 pieces gained', { type: 'gained', root: ROOT, ordinals: Array.from({ length: 100_001 }, (_, i) => i) }],
    ['a where for no path', { type: 'where', id: 1, path: '..' as RelPath }],
  ]
  for (const [name, message] of cases)
    assert.throws(() => decodeFrame(encodeFrame({ type: 'message', message })), ProtocolError, name)
})

test('a page of too many records is refused before they are made', () => {
  const records = Array.from({ length: MAX_RECORDS_PER_PAGE + 1 }, () => create(RecordSchema, {}))
  const bytes = toBinary(
    FolderFrameSchema,
    create(FolderFrameSchema, { body: { case: 'records', value: { records } } }),
  )
  assert.throws(() => decodeFrame(bytes), /too many records/)
})

test('a message of more than 1 MiB is refused unread', () => {
  assert.throws(() => decodeFrame(new Uint8Array((1 << 20) + 1)), /a message of 1048577 bytes/)
})

test('bytes that are no message are refused, and never crash', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
      try {
        decodeFrame(bytes)
      } catch (error) {
        assert.ok(error instanceof ProtocolError, String(error))
      }
    }),
    { numRuns: 2_000 },
  )
})

test('an INTRO carries names without what could forge a line of a log', () => {
  const intro = {
    deviceName: 'store\u001b[2J\n1',
    site: null,
    replica: REPLICA,
    listeningPort: 58_889,
    program: 'isosyncd 1',
    life: 'ab'.repeat(16),
  }
  assert.deepEqual(decodeIntro(encodeIntro(intro)), { ...intro, deviceName: 'store?[2J?1' })
  assert.equal(decodeIntro(encodeIntro({ ...intro, site: 'south' })).site, 'south')
  assert.ok(decodeIntro(encodeIntro({ ...intro, deviceName: 'x'.repeat(10_000) })).deviceName.length <= 500)
})

/** Buffers and plain arrays with the same bytes are the same. */
function plain(value: unknown): unknown {
  if (value instanceof Uint8Array) return Buffer.from(value).toString('hex')
  if (Array.isArray(value)) return value.map(plain)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, plain(inner)]))
}
