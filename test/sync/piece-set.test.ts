import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { common, countCommon, PieceSet } from '../../src/sync/piece-set.ts'

const count = fc.integer({ min: 1, max: 200 })
const twoSets = count.chain((n) => {
  const ordinals = fc.uniqueArray(fc.integer({ min: 0, max: n - 1 }))
  return fc.tuple(fc.constant(n), ordinals, ordinals)
})

function setOf(n: number, ordinals: readonly number[]): PieceSet {
  const set = new PieceSet(n)
  for (const ordinal of ordinals) set.add(ordinal)
  return set
}

function listed(sets: readonly PieceSet[], backward = false): number[] {
  const found: number[] = []
  common(sets, { from: 0, backward }, (ordinal) => found.push(ordinal) > 0)
  return found
}

test('What two sets have in common is found in order, backward, and counted', () => {
  fc.assert(
    fc.property(twoSets, ([n, a, b]) => {
      const both = a.filter((ordinal) => b.includes(ordinal)).sort((x, y) => x - y)
      const sets = [setOf(n, a), setOf(n, b)]
      assert.deepEqual(listed(sets), both)
      assert.deepEqual(listed(sets, true), both.toReversed())
      assert.equal(countCommon(sets, 0), both.length)
    }),
  )
})

test('A set comes back from its bitmap, and knows its size', () => {
  fc.assert(
    fc.property(twoSets, ([n, add, drop]) => {
      const set = setOf(n, add)
      for (const ordinal of drop) set.delete(ordinal)
      const again = PieceSet.told(n, { all: false, bitmap: set.bitmap() })
      assert.deepEqual(again.words, set.words)
      assert.equal(again.size, new Set(add.filter((ordinal) => !drop.includes(ordinal))).size)
    }),
  )
})

test('Bit i of byte i >> 3 is piece i', () => {
  assert.deepEqual([...setOf(20, [0, 9, 19]).bitmap()], [1, 2, 8])
})

for (const n of [1, 31, 32, 33, 64]) {
  test(`The full set of ${n} pieces has exactly those`, () => {
    assert.deepEqual(listed([PieceSet.full(n)]), [...Array(n).keys()])
    assert.equal(PieceSet.told(n, { all: true }).size, n)
  })
}

test('What a peer tells beyond the content is ignored', () => {
  const told = PieceSet.told(10, { all: false, bitmap: new Uint8Array(5).fill(255) })
  assert.deepEqual(told.words, PieceSet.full(10).words)
  for (const ordinal of [-1, 10, 0.5, NaN, 2 ** 32]) assert.equal(new PieceSet(10).add(ordinal), false)
})

test('A set without all of another has what only it had, and counts it', () => {
  fc.assert(
    fc.property(twoSets, ([n, a, b]) => {
      const set = setOf(n, a)
      set.deleteAll(setOf(n, b))
      const want = setOf(
        n,
        a.filter((ordinal) => !b.includes(ordinal)),
      )
      assert.deepEqual([set.words, set.size], [want.words, want.size])
    }),
  )
})
