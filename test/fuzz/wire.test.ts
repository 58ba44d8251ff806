/** Whatever bytes come, a decoder gives a value within its bounds or refuses in its own words. It never does anything else. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { generateSecret } from '../../src/base/secret.ts'
import { decodeFrame, decodeIntro, encodeFrame, encodeIntro } from '../../src/net/codec.ts'
import { FrameReader } from '../../src/net/frame-reader.ts'
import * as limits from '../../src/net/limits.ts'
import { ChunkReader, MAX_CHUNK_BYTES } from '../../src/net/piece-frames.ts'
import { decodeRequest, encodeRequest, type PiecesRequest } from '../../src/net/pieces-request.ts'
import { makeHello, makeProof, proofHolds, readHello } from '../../src/net/proof.ts'
import { ProtocolError } from '../../src/net/record-codec.ts'
import { unpackPieceList } from '../../src/sync/piece-list.ts'
import { frame } from '../net/message-samples.ts'
import { keysOf, replicaOf, ROOT } from '../net/test-host.ts'

const RUNS = Number(process.env['FUZZ_RUNS'] ?? 3_000)
const keys = keysOf(generateSecret())

const requests: fc.Arbitrary<PiecesRequest> = fc.oneof(
  fc.record({ type: fc.constant('open' as const), folder: fc.constant(keys.id) }),
  fc.record({
    type: fc.constant('pieces' as const),
    id: fc.nat(),
    root: fc.constant(ROOT),
    ordinals: fc.array(fc.nat(), { minLength: 1, maxLength: 20 }),
    lengths: fc.array(fc.nat(), { minLength: 1, maxLength: 20 }),
  }),
  fc.record({ type: fc.constant('list' as const), id: fc.nat(), root: fc.constant(ROOT) }),
  fc.record({ type: fc.constant('cancel' as const), id: fc.nat() }),
  fc.record({ type: fc.constant('credit' as const), bytes: fc.nat() }),
)
const intro = {
  deviceName: 'store',
  site: 'north',
  replica: replicaOf(1),
  listeningPort: 58_889,
  program: 'isosyncd 1',
  life: 'ab'.repeat(8),
}

/** Something honest, with bits turned, parts cut out, doubled or put in. */
function spoiled(honest: fc.Arbitrary<Uint8Array>): fc.Arbitrary<Uint8Array> {
  const change = fc.record({
    at: fc.nat(),
    to: fc.nat({ max: 255 }),
    how: fc.constantFrom('set', 'cut', 'put', 'double'),
  })
  return fc.tuple(honest, fc.array(change, { maxLength: 6 })).map(([bytes, changes]) => {
    let spoilt = Buffer.from(bytes)
    for (const { at, to, how } of changes) {
      const where = at % (spoilt.byteLength + 1)
      const [before, after] = [spoilt.subarray(0, where), spoilt.subarray(where)]
      if (how === 'set' && after.byteLength > 0) spoilt[where] = to
      if (how === 'cut') spoilt = Buffer.concat([before, after.subarray(1 + (to % 8))])
      if (how === 'put') spoilt = Buffer.concat([before, Buffer.alloc(1 + (to % 12), to), after])
      if (how === 'double') spoilt = Buffer.concat([before, after, after])
    }
    return spoilt
  })
}

const anything = fc.uint8Array({ maxLength: 400 })

function fuzz(name: string, honest: fc.Arbitrary<Uint8Array>, decode: (bytes: Uint8Array) => unknown): void {
  test(`${name}: no bytes make it do anything but decode or refuse`, () => {
    fc.assert(
      fc.property(fc.oneof(spoiled(honest), anything), (bytes) => {
        try {
          decode(bytes)
        } catch (error) {
          assert.ok(error instanceof ProtocolError, String((error as Error).stack))
        }
      }),
      { numRuns: RUNS },
    )
  })
}

fuzz('messages of a folder', frame.map(encodeFrame), (bytes) => {
  // What was decoded can be said again: nothing in it is out of bounds.
  const again = encodeFrame(decodeFrame(bytes))
  assert.deepEqual(encodeFrame(decodeFrame(again)), again)
})
fuzz('INTRO', fc.constant(encodeIntro(intro)), (bytes) => {
  const { deviceName, site, program } = decodeIntro(bytes)
  for (const text of [deviceName, site ?? '', program]) assert.match(text, /^[^\p{Cc}]{0,500}$/u)
})
fuzz('requests for pieces', requests.map(encodeRequest), (bytes) => {
  const request = decodeRequest(bytes)
  if (request.type !== 'pieces') return
  assert.ok(request.ordinals.length <= limits.MAX_PIECES_PER_REQUEST)
  assert.equal(request.ordinals.length, request.lengths.length)
})
fuzz(
  'HELLO',
  fc.boolean().map((writer) => makeHello(keys.id, writer)),
  (bytes) => {
    const hello = readHello(bytes)
    if (typeof hello !== 'string') assert.deepEqual([hello.folder.length, hello.nonce.byteLength], [32, 32])
  },
)
fuzz('PROOF', fc.constant(makeProof(keys, 'opener', new Uint8Array(32))), (bytes) => {
  const honest = Buffer.from(makeProof(keys, 'opener', new Uint8Array(32)))
  assert.equal(proofHolds(keys, 'opener', new Uint8Array(32), bytes, true), honest.equals(bytes))
})
/** Lists that the cut rule could have made, in sectors: the last piece may be short; and some that end with nothing. */
const cuts = fc.tuple(fc.array(fc.integer({ min: 16, max: 256 }), { maxLength: 6 }), fc.integer({ min: 0, max: 256 }))
const packed = cuts.map(([before, last]) => {
  const sectors = Uint16Array.from([...before, last])
  return Buffer.concat([Buffer.alloc(sectors.length * 32, 7), Buffer.from(sectors.buffer)])
})

test('piece lists: what is taken has the bounds that memory, offsets and reads rely on, and honest ones are taken', () => {
  const sectorsIn = (bytes: Uint8Array) => {
    const count = Math.floor(bytes.byteLength / 34)
    return Array.from({ length: count }, (_, i) => Buffer.from(bytes).readUInt16LE(count * 32 + i * 2))
  }
  let taken = 0
  const property = fc.property(
    fc.oneof(packed, spoiled(packed), anything),
    fc.nat(2_047),
    fc.boolean(),
    (bytes, less, fits) => {
      const sum = sectorsIn(bytes).reduce((total, n) => total + n, 0) * 2_048
      const size = fits ? Math.max(0, sum - less) : less * 3_000
      const list = unpackPieceList(size, bytes)
      if (typeof list === 'string') return
      taken++
      const lengths = sectorsIn(bytes)
      assert.ok(Number.isInteger(list.count) && list.count * 34 === bytes.byteLength)
      assert.ok(lengths.every((n) => n >= 1 && n <= 256))
      assert.ok(lengths.slice(0, -1).every((n) => n >= 16))
      assert.equal(Math.ceil(size / 2_048) * 2_048, sum)
    },
  )
  fc.assert(property, { numRuns: RUNS })
  assert.ok(taken > RUNS / 20, `only ${taken} were taken`)
})

test('the stream of pieces: chunks come out whole however they are cut, or it refuses', () => {
  const header = fc
    .record({ kind: fc.nat({ max: 6 }), id: fc.nat(), n: fc.oneof(fc.nat({ max: 300 }), fc.nat()) })
    .map(({ kind, id, n }) => {
      const bytes = Buffer.alloc(12)
      bytes[0] = kind
      bytes.writeUInt32BE(id, 4)
      bytes.writeUInt32BE(n, 8)
      return bytes
    })
  const parts = fc.array(fc.oneof(header, fc.uint8Array({ maxLength: 300 })), { maxLength: 10 })
  fc.assert(
    fc.property(parts, fc.integer({ min: 1, max: 64 }), (all, step) => {
      const stream = Buffer.concat(all)
      const run = (size: number) => {
        const seen: string[] = []
        let due = 0
        let last = Buffer.alloc(0)
        const reader = new ChunkReader({
          header: (kind, id, n) => {
            assert.equal(due, 0, 'a header comes when the chunk before it is done')
            assert.ok((kind !== 1 && kind !== 4) || n <= MAX_CHUNK_BYTES)
            due = kind === 1 || kind === 4 ? n : 0
            seen.push(last.toString('hex'), `${kind} ${id} ${n}`)
            last = Buffer.alloc(0)
          },
          bytes: (bytes) => {
            due -= bytes.byteLength
            last = Buffer.concat([last, bytes])
          },
        })
        try {
          for (let at = 0; at < stream.byteLength; at += size) reader.push(stream.subarray(at, at + size))
        } catch (error) {
          assert.ok(error instanceof ProtocolError, String(error))
          seen.push('refused')
        }
        return [...seen, last.toString('hex')]
      }
      assert.deepEqual(run(step), run(stream.byteLength + 1))
    }),
    { numRuns: RUNS },
  )
})

test('lengths of messages are looked at before anything is allocated', () => {
  fc.assert(
    fc.property(fc.array(anything, { maxLength: 5 }), fc.integer({ min: 1, max: 1_000 }), (parts, maxBytes) => {
      const reader = new FrameReader({ maxBytes })
      try {
        for (const bytes of parts)
          for (let at = 0; at < bytes.byteLength;) {
            const read = reader.read(bytes.subarray(at), (message) => assert.ok(message.byteLength <= maxBytes))
            assert.ok(read > 0, 'it goes on')
            at += read
          }
      } catch (error) {
        assert.match((error as Error).message, /longer than the [0-9]+ bytes allowed/)
      }
    }),
    { numRuns: RUNS },
  )
})
