import assert from 'node:assert/strict'
import { test } from 'node:test'
import { LentBuffers } from '../../src/base/lent-buffers.ts'

const pool = () => new LentBuffers({ bytes: 1_000, mostIdle: 4 })

test('a buffer that came back is lent again, at another length too', () => {
  const buffers = pool()
  const first = buffers.take(900)
  assert.equal(first.byteLength, 900)
  buffers.giveBack(first, 0)
  const again = buffers.take(1_000)
  assert.equal(again.byteLength, 1_000)
  assert.equal(again.buffer, first.buffer)
})

test('only a view that reaches from where it may begin to the end gives the buffer back', () => {
  const buffers = pool()
  const lent = buffers.take(900)
  for (const view of [lent.subarray(12, 800), lent.subarray(100), lent, Buffer.from(lent.buffer, 12)])
    buffers.giveBack(view, 12)
  assert.notEqual(buffers.take(900).buffer, lent.buffer)
  buffers.giveBack(lent.subarray(12), 12)
  assert.equal(buffers.take(900).buffer, lent.buffer)
})

test('what comes back twice, or was never lent, is not lent to two', () => {
  const buffers = pool()
  const lent = buffers.take(900)
  buffers.giveBack(lent, 0)
  buffers.giveBack(lent, 0)
  buffers.giveBack(Buffer.allocUnsafeSlow(900), 0)
  const [a, b] = [buffers.take(900), buffers.take(900)]
  assert.equal(a.buffer, lent.buffer)
  assert.notEqual(b.buffer, lent.buffer)
})

test('what is small or too large for the pool is an ordinary buffer', () => {
  const buffers = pool()
  for (const bytes of [0, 10, 1_001]) {
    const lent = buffers.take(bytes)
    assert.equal(lent.byteLength, bytes)
    buffers.giveBack(lent, 0)
    assert.notEqual(buffers.take(900).buffer, lent.buffer)
  }
})
