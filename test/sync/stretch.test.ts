import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type RelPath } from '../../src/base/brand.ts'
import {
  HASH_BYTES,
  MAX_PIECE_BYTES,
  MIN_PIECE_BYTES,
  type PieceList,
  PieceListBuilder,
  pieceOffsets,
} from '../../src/sync/piece-list.ts'
import { zeroHash } from '../../src/sync/zero.ts'
import { MOST_STRETCH_PIECES, ordinalOf, StretchCutter, stretchName } from '../../src/sync/stretch.ts'

const PATH = 'debian.iso' as RelPath

/** Pieces `from` to `to` of a file whose every piece is another. */
function pieces(from: number, to: number): PieceList {
  const list = new PieceListBuilder()
  for (let i = from; i < to; i++) list.add(new Uint8Array(HASH_BYTES).fill(i & 0xff, i >> 8), MIN_PIECE_BYTES)
  return list.build()
}

test('stretches follow each other from the beginning of the file, in whole pieces, however the pieces come', () => {
  const whole = pieces(0, 100)
  const cutter = new StretchCutter({ path: PATH, fileSize: whole.size, stretchBytes: 8 * MIN_PIECE_BYTES })
  const told = [0, 3, 3, 50, 100].flatMap((end, i, ends) => cutter.add(pieces(ends[i - 1] ?? 0, end)))
  assert.deepEqual(
    told.map(({ offset, list }) => [offset / MIN_PIECE_BYTES, list.count]),
    Array.from({ length: 12 }, (_, i) => [8 * i, 8]),
  )
  const hashes = Buffer.concat(told.map(({ list }) => list.hashes))
  assert.deepEqual(hashes, Buffer.from(whole.hashes.subarray(0, 96 * HASH_BYTES)))
})

test('what is all zeros is not told of', () => {
  const [zeros, mixed] = [new PieceListBuilder(), new PieceListBuilder()]
  for (let i = 0; i < 20; i++) zeros.add(zeroHash(MAX_PIECE_BYTES), MAX_PIECE_BYTES)
  mixed.add(zeroHash(MAX_PIECE_BYTES), MAX_PIECE_BYTES)
  mixed.add(new Uint8Array(HASH_BYTES).fill(7), MAX_PIECE_BYTES)
  const cutter = new StretchCutter({ path: PATH, fileSize: 2 ** 40, stretchBytes: 2 * MAX_PIECE_BYTES })
  assert.deepEqual(cutter.add(zeros.build()), [])
  assert.deepEqual(
    cutter.add(mixed.build()).map(({ offset, list }) => [offset / MAX_PIECE_BYTES, list.count]),
    [[20, 2]],
  )
})

test('a stretch has no more pieces than fit into a message', () => {
  const cutter = new StretchCutter({ path: PATH, fileSize: 2 ** 40, stretchBytes: 2 ** 40 })
  const told = cutter.add(pieces(0, 2 * MOST_STRETCH_PIECES))
  assert.deepEqual(
    told.map(({ list }) => list.count),
    [MOST_STRETCH_PIECES, MOST_STRETCH_PIECES],
  )
})

test('the name of a stretch is of its file, place and pieces, and is the same on all hosts', () => {
  const stretch = { path: PATH, fileSize: 2 ** 33, offset: MIN_PIECE_BYTES, list: pieces(1, 3) }
  assert.equal(stretchName(stretch), '5f9cbf2d02de705a6c3d8b05d2606ee2263be4fb4593dc2cdb27a2e82e12625c')
  const others = [
    { ...stretch, path: 'other.iso' as RelPath },
    { ...stretch, fileSize: 2 ** 33 + 1 },
    { ...stretch, offset: 0 },
    { ...stretch, list: pieces(1, 4) },
  ]
  assert.equal(new Set([stretch, ...others].map(stretchName)).size, 5)
})

test('a stretch is found where it lies in the whole file, and nowhere else', () => {
  const whole = pieces(0, 20)
  const offsets = pieceOffsets(whole)
  const at = (piece: number, list: PieceList) =>
    ordinalOf({ path: PATH, fileSize: whole.size, offset: piece * MIN_PIECE_BYTES, list }, whole, offsets)
  assert.deepEqual([at(0, pieces(0, 5)), at(5, pieces(5, 20)), at(19, pieces(19, 20))], [0, 5, 19])
  assert.deepEqual(
    [at(5, pieces(6, 8)), at(5.5, pieces(5, 8)), at(19, pieces(19, 21)), at(40, pieces(0, 1))],
    Array(4).fill(null),
  )
})
