import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isNear } from '../../src/sync/nearness.ts'

const [north, south] = ['north', 'south']

test('hosts of one site are near each other, those of two are not, however far they are', () => {
  assert.equal(isNear(north, { site: north, rttMs: 80 }), true)
  assert.equal(isNear(north, { site: south, rttMs: 0.2 }), false)
})

test('where one of the sites is not known, the round trip tells; while that is not known, a host is near', () => {
  for (const [ours, site] of [
    [null, null],
    [north, null],
    [null, south],
  ] as const) {
    assert.equal(isNear(ours, { site, rttMs: 0.2 }), true)
    assert.equal(isNear(ours, { site, rttMs: 20 }), false)
    assert.equal(isNear(ours, { site, rttMs: NaN }), true)
  }
})
