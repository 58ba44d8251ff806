import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Deliveries } from '../../src/sync/deliveries.ts'

/** In turn, so that nothing is older than the rest. */
function delivered(counts: Readonly<Record<string, number>>, made = new Deliveries()): Deliveries {
  const most = Math.max(...Object.values(counts))
  for (let i = 0; i < most; i++)
    for (const [peer, count] of Object.entries(counts)) if (i % (most / count) < 1) made.came(peer)
  return made
}

test('Who delivers less than a quarter of what the best of them does is slow, also who delivers nothing', () => {
  const made = delivered({ a: 60, b: 20, c: 10 })
  assert.deepEqual(made.slowOf(['a', 'b', 'c', 'd']), ['c', 'd'])
  assert.deepEqual(made.slowOf(['b', 'c']), [])
  assert.deepEqual(made.slowOf([]), [])
})

test('What came long ago counts no more', () => {
  const made = delivered({ a: 300 })
  assert.deepEqual(made.slowOf(['a', 'b']), ['b'])
  delivered({ b: 300 }, made)
  assert.deepEqual(made.slowOf(['a', 'b']), ['a'])
})

test('It can go on for terabytes', () => {
  const made = delivered({ a: 20, b: 20 })
  for (let i = 0; i < 100_000; i++) delivered({ a: 1, b: 1 }, made)
  assert.deepEqual(made.slowOf(['a', 'b', 'c']), ['c'])
})
