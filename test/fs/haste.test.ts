import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { Haste } from '../../src/fs/haste.ts'

const FAST_MS = 0.05
const SLOW_MS = 20

/** Calls that go to threads until the next one is made here. */
function callsOnThreads(haste: Haste): number {
  let calls = 0
  while (!haste.mayRunHere()) calls++
  return calls
}

describe('where a disk call is made', () => {
  test('here, as long as the page cache answers', () => {
    const haste = new Haste()
    for (let i = 0; i < 1000; i++) {
      assert.equal(haste.mayRunHere(), true)
      haste.took(FAST_MS)
    }
  })

  test('on threads after a slow one, more of them each time it is slow again', () => {
    const haste = new Haste()
    const penalties = [1, 2, 3].map(() => {
      haste.took(SLOW_MS)
      return callsOnThreads(haste)
    })
    assert.deepEqual(penalties, [32, 64, 128])
  })

  test('never on threads for ever: one call in some thousands is tried here', () => {
    const haste = new Haste()
    for (let i = 0; i < 50; i++) haste.took(SLOW_MS)
    assert.equal(callsOnThreads(haste), 4096)
  })

  test('here again when the disk has become fast', () => {
    const haste = new Haste()
    for (let i = 0; i < 3; i++) haste.took(SLOW_MS)
    callsOnThreads(haste)
    for (let i = 0; i < 500; i++) haste.took(FAST_MS)
    haste.took(SLOW_MS)
    assert.equal(callsOnThreads(haste), 32)
  })
})
