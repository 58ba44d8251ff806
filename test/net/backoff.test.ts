import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { backoffMs } from '../../src/net/backoff.ts'

test('the first try comes within a second, later ones ever later, none after more than a minute', () => {
  assert.equal(backoffMs(1, 1), 1_000)
  assert.equal(backoffMs(2, 1), 2_000)
  assert.equal(backoffMs(7, 1), 60_000)
  assert.equal(backoffMs(1e9, 1), 60_000)
})

test('hosts that failed together do not knock together: the wait is spread over half of itself', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 100 }), fc.double({ min: 0, max: 1, noNaN: true }), (failures, chance) => {
      const full = backoffMs(failures, 1)
      const wait = backoffMs(failures, chance)
      assert.ok(wait >= full / 2 && wait <= full)
    }),
  )
})
