import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isNear } from '../../src/sync/nearness.ts'

const [north, south, nowhere] = [{ site: 'north' }, { site: 'south' }, { site: null }]

test('hosts of one site are near each other, those of two are not, however far they are', () => {
  assert.equal(isNear(north, { ...north, rttMs: 80 }), true)
  assert.equal(isNear(north, { ...south, rttMs: 0.2 }), false)
})

test('where one of the sites is not known, the round trip tells; while that is not known, a host is near', () => {
  for (const [ours, theirs] of [
    [nowhere, nowhere],
    [north, nowhere],
    [nowhere, south],
  ] as const) {
    assert.equal(isNear(ours, { ...theirs, rttMs: 0.2 }), true)
    assert.equal(isNear(ours, { ...theirs, rttMs: 20 }), false)
    assert.equal(isNear(ours, { ...theirs, rttMs: NaN }), true)
  }
})
