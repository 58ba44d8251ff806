import assert from 'node:assert/strict'
import { test } from 'node:test'
import { fromHex, type RootHash } from '../../src/base/brand.ts'
import { SharedRuns } from '../../src/sync/shared-runs.ts'

const BLOCK = 4096
const [a, b]: [RootHash, RootHash] = [fromHex('aa'.repeat(32)), fromHex('bb'.repeat(32))]

/** Pieces of 10 sectors each, from offset 0 on; each with the places that have it. */
function runsOf(...pieces: readonly (readonly [RootHash, number][])[]) {
  const runs = new SharedRuns(BLOCK)
  pieces.forEach((places, i) =>
    runs.add(
      i * 20480,
      20480,
      places.map(([root, offset]) => ({ root, offset })),
    ),
  )
  return runs.ended()
}

const cases = [
  { name: 'nothing is here', pieces: [[], []], want: [] },
  {
    name: 'neighbours of one file are one run',
    pieces: [[[a, 0]], [[a, 20480]], []],
    want: [{ root: a, from: 0, to: 0, length: 40960 }],
  },
  {
    name: 'what has moved by whole blocks fits',
    pieces: [[], [[a, 4096]]],
    want: [{ root: a, from: 4096, to: 20480, length: 20480 }],
  },
  { name: 'what has moved by half a block does not', pieces: [[[a, 2048]]], want: [] },
  {
    name: 'the place that goes on with the run is taken',
    pieces: [
      [[a, 0]],
      [
        [b, 0],
        [a, 20480],
      ],
    ],
    want: [{ root: a, from: 0, to: 0, length: 40960 }],
  },
  {
    name: 'another shift is another run',
    pieces: [[[a, 0]], [[a, 40960]]],
    want: [
      { root: a, from: 0, to: 0, length: 20480 },
      { root: a, from: 40960, to: 20480, length: 20480 },
    ],
  },
] as const
for (const { name, pieces, want } of cases)
  test(`Of files that share blocks, ${name}`, () => {
    assert.deepEqual(runsOf(...(pieces as unknown as (readonly [RootHash, number][])[])), want)
  })

test('The ends of a run are rounded inward to whole blocks, and a piece within one block gives none', () => {
  const runs = new SharedRuns(BLOCK)
  runs.add(2048, 10240, [{ root: a, offset: 2048 }])
  runs.add(12288, 2048, [{ root: b, offset: 0 }])
  assert.deepEqual(runs.ended(), [{ root: a, from: 4096, to: 4096, length: 8192 }])
})
