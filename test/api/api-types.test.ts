import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isEverywhere, type WhereHost } from '../../src/api/api-types.ts'

const whole: WhereHost = { host: 'a:1', state: 'whole', percent: 100, root: 'r1', detail: '' }

test('everywhere means: at least one host, all whole, all the same content', () => {
  assert.equal(isEverywhere([]), false)
  assert.equal(isEverywhere([whole]), true)
  assert.equal(isEverywhere([whole, { ...whole, host: 'b:1' }]), true)
  assert.equal(isEverywhere([whole, { ...whole, root: 'r2' }]), false)
  assert.equal(isEverywhere([{ ...whole, root: null }]), false)
  for (const state of ['partial', 'missing', 'problem', 'unreachable'] as const) {
    assert.equal(isEverywhere([whole, { ...whole, state }]), false, state)
  }
})
