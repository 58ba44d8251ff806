import assert from 'node:assert/strict'
import { closeSync, openSync, readFileSync } from 'node:fs'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { tcpLeastRoundTripUs, threadWaits } from '../../src/base/kernel-counts.ts'
import { pretendNoNative } from '../../src/base/native-library.ts'

const here = fileURLToPath(import.meta.url)

test('no round trip is made up of what is no TCP connection', () => {
  const file = openSync(here, 'r')
  assert.equal(tcpLeastRoundTripUs(file), null)
  assert.equal(tcpLeastRoundTripUs(-1), null)
  closeSync(file)
})

test('a thread waits when it says so, and not when it works', () => {
  const waitsOf = (work: () => unknown) => {
    const before = threadWaits() ?? NaN
    work()
    return (threadWaits() ?? NaN) - before
  }
  const reads = Array.from({ length: 100 }, () => waitsOf(() => readFileSync(here)))
  assert.ok(reads.includes(0), 'reading from the cache')
  assert.ok(waitsOf(() => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 5)) > 0)
})

test('without koffi nothing is known', () => {
  pretendNoNative(true)
  try {
    assert.equal(tcpLeastRoundTripUs(0), null)
    assert.equal(threadWaits(), null)
  } finally {
    pretendNoNative(false)
  }
})
