import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { editDistance, nearest } from '../../src/config/nearest.ts'

test('distances of known pairs', () => {
  assert.equal(editDistance('', ''), 0)
  assert.equal(editDistance('abc', ''), 3)
  assert.equal(editDistance('kitten', 'sitting'), 3)
  assert.equal(editDistance('secret', 'sercet'), 2)
})

test('the distance is symmetric, zero only for equal words, and never above the longer length', () => {
  const word = fc.string({ maxLength: 12 })
  fc.assert(
    fc.property(word, word, (a, b) => {
      const distance = editDistance(a, b)
      assert.equal(distance, editDistance(b, a))
      assert.equal(distance === 0, a === b)
      assert(distance <= Math.max(a.length, b.length))
    }),
  )
})

test('a word is suggested only when it is likely meant', () => {
  const keys = ['secret', 'dir', 'known_hosts']
  assert.equal(nearest('sercet', keys), 'secret')
  assert.equal(nearest('KNOWN_HOST', keys), 'known_hosts')
  assert.equal(nearest('bandwidth', keys), null)
})
