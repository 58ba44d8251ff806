import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Stat } from '../../src/sync/entry.ts'
import { settle } from '../../src/sync/settle.ts'

const stat: Stat = { kind: 'file', size: 1, mtimeUs: 2, ctimeUs: 3, inode: 4 }
const settleMs = 10_000

test('at first sight a file has to wait', () => {
  const step = settle(null, { stat, nowMs: 500, settleMs })
  assert.deepEqual(step, { settled: false, sighting: { stat, sinceMs: 500 }, untilMs: 10_500 })
})

test('unchanged, it keeps waiting from first sight, and has settled on the millisecond', () => {
  const sighting = { stat, sinceMs: 500 }
  const same = { ...stat }
  assert.deepEqual(settle(sighting, { stat: same, nowMs: 10_499, settleMs }), {
    settled: false,
    sighting,
    untilMs: 10_500,
  })
  assert.deepEqual(settle(sighting, { stat: same, nowMs: 10_500, settleMs }), { settled: true })
})

for (const change of ['size', 'mtimeUs', 'ctimeUs', 'inode'] as const) {
  test(`another ${change} starts the wait again`, () => {
    const changed = { ...stat, [change]: 9 }
    const step = settle({ stat, sinceMs: 500 }, { stat: changed, nowMs: 20_000, settleMs })
    assert.deepEqual(step, { settled: false, sighting: { stat: changed, sinceMs: 20_000 }, untilMs: 30_000 })
  })
}

test('with no settle time everything has settled at once', () => {
  assert.deepEqual(settle(null, { stat, nowMs: 500, settleMs: 0 }), { settled: true })
})
