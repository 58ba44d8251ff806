import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { FetchQueue, isBefore, mayStart, type Wish } from '../../src/sync/fetch-order.ts'

const wish = fc.record({ size: fc.nat(1_000_000), rank: fc.nat(3) })

test('the queue gives every wish once, by rank, then by size within a factor of two, then as they came', () => {
  fc.assert(
    fc.property(fc.array(wish), (wishes) => {
      const queue = new FetchQueue<number>()
      wishes.forEach((w, key) => queue.set(key, w))
      const order: [number, Wish][] = []
      for (let next = queue.first(); next !== null; next = queue.first()) {
        order.push([...next])
        queue.delete(next[0])
      }
      assert.equal(order.length, wishes.length)
      assert.equal(queue.count, 0)
      for (const [i, [key, { size, rank }]] of order.entries()) {
        const [laterKey, later] = order[i + 1] ?? [Infinity, { size: Infinity, rank: Infinity }]
        assert.ok(rank <= later.rank)
        if (rank === later.rank) assert.ok(size < 2 * (later.size + 1))
        if (rank === later.rank && size === later.size) assert.ok(key < laterKey)
      }
    }),
  )
})

test('what is set again waits once, at its new place; what is deleted does not wait', () => {
  const queue = new FetchQueue<string>()
  queue.set('a', { size: 10, rank: 0 })
  queue.set('b', { size: 1_000, rank: 0 })
  queue.set('a', { size: 10, rank: 1 })
  assert.equal(queue.count, 2)
  assert.equal(queue.first()?.[0], 'b')
  queue.delete('b')
  queue.delete('never there')
  assert.equal(queue.first()?.[0], 'a')
})

test('one that is set again while others are taken from the front is not lost, nor given before its turn', () => {
  const queue = new FetchQueue<number>()
  for (let key = 0; key < 5; key++) queue.set(key, { size: 10, rank: 0 })
  const order: number[] = []
  for (let next = queue.first(); next !== null; next = queue.first()) {
    order.push(next[0])
    queue.delete(next[0])
    if (order.length === 1) queue.set(1, { size: 10, rank: 0 })
    if (order.length === 5) queue.set(7, { size: 10, rank: 0 })
  }
  assert.deepEqual(order, [0, 2, 3, 4, 1, 7])
})

const limits = { most: 2, mostOfAll: 4 }
const of = (...sizes: number[]) => sizes.map((size) => ({ size, rank: 1 }))

const cases: readonly [string, Wish, readonly Wish[], boolean][] = [
  ['while there is room, anything starts', { size: 99, rank: 1 }, of(1), true],
  ['with all places taken by smaller ones it waits', { size: 99, rank: 1 }, of(1, 1), false],
  ['it overtakes larger ones', { size: 5, rank: 1 }, of(99, 99), true],
  ['with one smaller and one larger before it there is a place', { size: 5, rank: 1 }, of(1, 99), true],
  ['equal ones are not overtaken', { size: 99, rank: 1 }, of(99, 99), false],
  ['a better rank overtakes smaller ones', { size: 99, rank: 0 }, of(1, 1), true],
  ['a worse rank waits for larger ones', { size: 1, rank: 2 }, of(99, 99), false],
  ['but never too many at a time', { size: 1, rank: 0 }, of(9, 9, 9, 9), false],
]
for (const [what, next, active, starts] of cases)
  test(`who starts: ${what}`, () => assert.equal(mayStart(next, active, limits), starts))

test('the order is one: never both before each other', () => {
  fc.assert(fc.property(wish, wish, (a, b) => !(isBefore(a, b) && isBefore(b, a))))
})
