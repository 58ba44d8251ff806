import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Setbacks } from '../../src/net/setbacks.ts'

test('the next try is due when its timer fires, also a little early', () => {
  let now = 1000
  const setbacks = new Setbacks({ clock: { elapsed: () => now }, random: () => 1 })
  const { waitMs } = setbacks.failed('peer', 'wrong')
  now += waitMs / 2
  assert.equal(setbacks.mustWait('peer'), true)
  now = 1000 + waitMs - 0.7
  assert.equal(setbacks.mustWait('peer'), false)
})

test('the pauses grow, and only a new reason is news', () => {
  const setbacks = new Setbacks({ clock: { elapsed: () => 0 }, random: () => 1 })
  const first = setbacks.failed('peer', 'wrong')
  const second = setbacks.failed('peer', 'wrong')
  const third = setbacks.failed('peer', 'otherwise')
  assert.deepEqual([first.news, second.news, third.news], [true, false, true])
  assert.ok(first.waitMs < second.waitMs && second.waitMs < third.waitMs)
  setbacks.proven('peer')
  assert.equal(setbacks.trouble('peer'), null)
  assert.deepEqual(setbacks.failed('peer', 'wrong'), first)
})
