import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { nextCut } from '../../src/sync/cut.ts'
import { MAX_PIECE_BYTES, MIN_PIECE_BYTES, SECTOR_BYTES } from '../../src/sync/piece-list.ts'

const KIB = 1024

/** Bytes that are the same on every machine: xorshift32. */
function noise(bytes: number, seed: number): Uint8Array {
  const out = new Uint8Array(bytes)
  let x = seed | 1
  for (let i = 0; i < bytes; i++) {
    x ^= x << 13
    x ^= x >>> 17
    x ^= x << 5
    out[i] = x >>> 24
  }
  return out
}

function cuts(bytes: Uint8Array): number[] {
  const ends: number[] = []
  for (let from = 0; from < bytes.length; from = ends.at(-1)!) ends.push(nextCut(bytes, from, bytes.length, true))
  return ends
}

function pieces(bytes: Uint8Array): string[] {
  const ends = cuts(bytes)
  return ends.map((end, i) => Buffer.from(bytes.subarray(ends[i - 1] ?? 0, end)).toString('base64'))
}

/** A content of parts that are noise, zeros or a repeated byte: what images are made of. */
const content = fc
  .array(fc.tuple(fc.constantFrom('noise', 'zeros', 'same'), fc.integer({ min: 1, max: 700 }), fc.nat()), {
    maxLength: 5,
  })
  .map((parts) => Buffer.concat(parts.map(([kind, sectors, seed]) => part(kind, sectors * SECTOR_BYTES, seed))))
const tail = fc.integer({ min: 0, max: 3 * SECTOR_BYTES }).map((bytes) => noise(bytes, 77))
const image = fc.tuple(content, tail).map((both) => Buffer.concat(both))

function part(kind: string, bytes: number, seed: number): Uint8Array {
  if (kind === 'noise') return noise(bytes, seed)
  return new Uint8Array(bytes).fill(kind === 'zeros' ? 0 : (seed % 255) + 1)
}

/** The cuts are part of the protocol: if this fails, hosts of two versions share no pieces. */
test('The cuts in 2 MiB of known noise are the ones of protocol 1', () => {
  const expected = [
    376, 484, 536, 618, 698, 940, 1060, 1126, 1200, 1232, 1272, 1362, 1444, 1570, 1702, 1824, 1936, 1994, 2048.09765625,
  ]
  assert.deepEqual(
    cuts(noise(2048 * KIB + 100, 1)).map((end) => end / KIB),
    expected,
  )
})

const named = [
  { name: 'an empty content has no piece', bytes: 0, ends: [] },
  { name: 'one byte is one piece', bytes: 1, ends: [1] },
  { name: 'the shortest piece is not cut', bytes: MIN_PIECE_BYTES, ends: [MIN_PIECE_BYTES] },
  { name: 'zeros are cut at the longest piece only', bytes: MAX_PIECE_BYTES, ends: [MAX_PIECE_BYTES] },
  {
    name: 'one byte more than the longest piece is a piece of its own',
    bytes: MAX_PIECE_BYTES + 1,
    ends: [MAX_PIECE_BYTES, MAX_PIECE_BYTES + 1],
  },
]
for (const { name, bytes, ends } of named) {
  test(`Of zeros, ${name}`, () => assert.deepEqual(cuts(new Uint8Array(bytes)), ends))
}

test('Pieces follow each other to the end, within their bounds, and end at sectors but for the last', () => {
  fc.assert(
    fc.property(image, (bytes) => {
      let from = 0
      for (const end of cuts(bytes)) {
        assert.ok(end > from && end - from <= MAX_PIECE_BYTES)
        if (end < bytes.length) assert.ok(end - from >= MIN_PIECE_BYTES && end % SECTOR_BYTES === 0)
        from = end
      }
      assert.equal(from, bytes.length)
    }),
    { numRuns: 50 },
  )
})

test('A cut does not depend on how many bytes are at hand, nor on where they lie in the buffer', () => {
  fc.assert(
    fc.property(image, fc.nat(), fc.nat({ max: 5000 }), (bytes, short, shift) => {
      if (bytes.length === 0) return
      const whole = nextCut(bytes, 0, bytes.length, true)
      const atHand = short % (bytes.length + 1)
      const early = nextCut(bytes, 0, atHand, false)
      assert.ok(early === -1 ? atHand < MAX_PIECE_BYTES : early === whole)
      if (atHand >= whole && whole < bytes.length) assert.equal(early, whole)
      if (whole < bytes.length) assert.equal(nextCut(bytes, 0, whole, false), whole)
      const shifted = Buffer.concat([noise(shift, 5), bytes])
      assert.equal(nextCut(shifted, shift, shifted.length, true), whole + shift)
    }),
    { numRuns: 100 },
  )
})

test('Behind sectors that were put in, the same pieces come out again', () => {
  fc.assert(
    fc.property(fc.nat(), fc.integer({ min: 1, max: 300 }), fc.integer({ min: 0, max: 500 }), (seed, more, at) => {
      const old = noise(6 * 1024 * KIB, seed)
      const where = at * SECTOR_BYTES
      const added = Buffer.concat([old.subarray(0, where), noise(more * SECTOR_BYTES, seed + 1), old.subarray(where)])
      const known = new Set(pieces(old))
      const fresh = pieces(added).filter((piece) => !known.has(piece))
      const freshBytes = fresh.reduce((sum, piece) => sum + (piece.length * 3) / 4, 0)
      assert.ok(freshBytes < more * SECTOR_BYTES + 4 * MAX_PIECE_BYTES, `${freshBytes} bytes are new`)
    }),
    { numRuns: 20 },
  )
})

test('Pieces of noise are 125 KiB long on average', () => {
  const bytes = 64 << 20
  const average = bytes / cuts(noise(bytes, 3)).length / KIB
  assert.ok(average > 115 && average < 135, `${average} KiB`)
})
