/** Messages for properties: everything that the protocol allows, with the odd corners. */
import fc from 'fast-check'
import { type RelPath, type ReplicaId, type RootHash } from '../../src/base/brand.ts'
import { type Frame } from '../../src/net/codec.ts'
import { MAX_TOLD_LIST_BYTES } from '../../src/net/limits.ts'
import { type FolderMessage } from '../../src/net/peer-port.ts'
import { parsePath } from '../../src/sync/path.ts'
import { MAX_PIECE_BYTES, MIN_PIECE_BYTES, PieceListBuilder, SECTOR_BYTES } from '../../src/sync/piece-list.ts'
import { type SignedRecord } from '../../src/sync/record.ts'
import { type Stretch } from '../../src/sync/stretch.ts'
import { type Version } from '../../src/sync/version.ts'

const hex = (bytes: number) =>
  fc.uint8Array({ minLength: bytes, maxLength: bytes }).map((b) => Buffer.from(b).toString('hex'))
export const root = hex(32) as fc.Arbitrary<RootHash>
export const replica = hex(8) as fc.Arbitrary<ReplicaId>
const size = fc.nat({ max: Number.MAX_SAFE_INTEGER })
const stamp = fc.maxSafeInteger()
const corner = fc.constantFrom('\uFEFFboot.iso', 'a/ü.iso', 'a/u\u0308.iso', '😀', 'x'.repeat(255), '__proto__')
export const path = fc
  .oneof(
    corner,
    fc.array(fc.string({ unit: 'binary', minLength: 1 }), { minLength: 1, maxLength: 3 }).map((p) => p.join('/')),
  )
  .map(parsePath)
  .filter((p): p is RelPath => p !== null)

const version: fc.Arbitrary<Version> = fc
  .uniqueArray(fc.tuple(replica, fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER })), {
    selector: ([r]) => r,
    maxLength: 5,
  })
  .map((pairs) => pairs.sort(([a], [b]) => (a < b ? -1 : 1)))
const signature = fc.uint8Array({ minLength: 64, maxLength: 64 })
const earlier = fc.array(root, { maxLength: 5 })
const common = { path, version, author: replica, previous: fc.option(root), earlier, orderUs: stamp, signature }
export const record: fc.Arbitrary<SignedRecord> = fc.oneof(
  fc.record({ ...common, kind: fc.constant('file' as const), size, mtimeUs: stamp, root }),
  fc.record({ ...common, kind: fc.constant('directory' as const) }),
  fc.record({ ...common, kind: fc.constant('link' as const), target: fc.constantFrom('debian-12.iso', 'a/b', './x') }),
  fc.record({ ...common, kind: fc.constant('tombstone' as const) }),
)

const ordinal = fc.nat({ max: 0xffff_ffff })
const have = fc.oneof(
  fc.constant({ all: true as const }),
  fc.uint8Array({ maxLength: 40 }).map((bitmap) => ({ all: false as const, bitmap })),
)
const answer = fc.record({
  state: fc.constantFrom('whole', 'partial', 'missing', 'problem'),
  root: fc.option(root),
  size,
  percent: fc.nat({ max: 100 }),
  detail: fc.string({ maxLength: 400 }).map((text) => text.replace(/[\u0000-\u001f\u007f-\u009f]/g, '')),
})
const stretch = fc
  .record({
    path,
    sectors: fc.array(fc.integer({ min: MIN_PIECE_BYTES, max: MAX_PIECE_BYTES }), { minLength: 1, maxLength: 8 }),
    offset: fc.nat({ max: 2 ** 40 }),
    after: fc.nat({ max: 2 ** 40 }),
  })
  .map(({ path, sectors, offset, after }): Stretch => {
    const builder = new PieceListBuilder()
    for (const bytes of sectors) builder.add(new Uint8Array(32).fill(bytes), bytes - (bytes % SECTOR_BYTES))
    const list = builder.build()
    return { path, fileSize: offset + list.size + after, offset, list }
  })
export const message: fc.Arbitrary<FolderMessage> = fc.oneof(
  fc
    .record({ a: size, b: size, records: fc.array(record, { maxLength: 8 }) })
    .map(({ a, b, records }) => ({ type: 'records' as const, after: Math.min(a, b), upTo: Math.max(a, b), records })),
  fc.record({ type: fc.constant('since' as const), after: size }),
  fc.record({ type: fc.constant('stored' as const), upTo: size }),
  fc.record({ type: fc.constant('want' as const), root, wanted: fc.boolean() }),
  fc.record({ type: fc.constant('have' as const), root, have }),
  fc.record({
    type: fc.constant('have' as const),
    root,
    have,
    list: fc.uint8Array({ minLength: 1, maxLength: MAX_TOLD_LIST_BYTES }),
  }),
  fc.record({ type: fc.constant('gained' as const), root, ordinals: fc.array(ordinal, { maxLength: 50 }) }),
  fc.record({
    type: fc.constant('small-want' as const),
    roots: fc.array(root, { maxLength: 20 }),
    wanted: fc.boolean(),
  }),
  fc.record({ type: fc.constant('stretch' as const), stretch }),
  fc.record({ type: fc.constant('small-have' as const), roots: fc.array(root, { maxLength: 20 }) }),
  fc.record({ type: fc.constant('where' as const), id: ordinal, path }),
  fc.record({ type: fc.constant('where-answer' as const), id: ordinal, answer }),
)
export const frame: fc.Arbitrary<Frame> = fc.oneof(
  message.map((m) => ({ type: 'message' as const, message: m })),
  fc.record({ type: fc.constantFrom('ping' as const, 'pong' as const), id: ordinal }),
)
