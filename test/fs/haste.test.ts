import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { Haste } from '../../src/fs/haste.ts'

const FAST_MS = 0.05
const SLOW_MS = 20

/** A thread whose calls take and wait for what they are told to. `canCount`: the kernel tells how often it waits. */
function thread({ canCount = true } = {}) {
  let [nowMs, waits] = [0, 0]
  const haste = new Haste({ nowMs: () => nowMs, waits: () => (canCount ? waits : null) })
  const takes = (ms: number, forDisk: boolean) => haste.run(() => [(nowMs += ms), (waits += forDisk ? 1 : 0)])
  return {
    haste,
    fast: () => takes(FAST_MS, false),
    slowDisk: () => takes(SLOW_MS, true),
    slowProcessor: () => takes(SLOW_MS, false),
  }
}

/** Calls that go to threads until the next one is made here. */
function callsOnThreads(haste: Haste): number {
  let calls = 0
  while (!haste.mayRunHere()) calls++
  return calls
}

describe('where a disk call is made', () => {
  test('here, as long as the page cache answers', () => {
    const { haste, fast } = thread()
    for (let i = 0; i < 1000; i++) {
      assert.equal(haste.mayRunHere(), true)
      fast()
    }
  })

  for (const canCount of [true, false])
    test(`on threads after a slow one, more of them each time it is slow again (waits known: ${canCount})`, () => {
      const { haste, slowDisk } = thread({ canCount })
      const penalties = [1, 2, 3].map(() => {
        slowDisk()
        return callsOnThreads(haste)
      })
      assert.deepEqual(penalties, [32, 64, 128])
    })

  test('never on threads for ever: one call in some thousands is tried here', () => {
    const { haste, slowDisk } = thread()
    for (let i = 0; i < 50; i++) slowDisk()
    assert.equal(callsOnThreads(haste), 4096)
  })

  test('here again when the disk has become fast', () => {
    const { haste, fast, slowDisk } = thread()
    for (let i = 0; i < 3; i++) slowDisk()
    callsOnThreads(haste)
    for (let i = 0; i < 500; i++) fast()
    slowDisk()
    assert.equal(callsOnThreads(haste), 32)
  })

  test('here, also when the thread has to wait for a processor', () => {
    const { haste, slowProcessor } = thread()
    for (let i = 0; i < 50; i++) {
      slowProcessor()
      assert.equal(haste.mayRunHere(), true)
    }
  })

  test('on threads at the second slow one, where the disk was fast for so long that waits were no longer counted', () => {
    const { haste, fast, slowDisk } = thread()
    for (let i = 0; i < 10_000; i++) fast()
    slowDisk()
    assert.equal(callsOnThreads(haste), 0)
    slowDisk()
    assert.equal(callsOnThreads(haste), 32)
  })

  test('on threads at the first slow one, where nobody can tell whether it waited', () => {
    const { haste, fast, slowDisk } = thread({ canCount: false })
    for (let i = 0; i < 10_000; i++) fast()
    slowDisk()
    assert.equal(callsOnThreads(haste), 32)
  })

  test('the result and the error of a call are those of the call', () => {
    const haste = new Haste()
    assert.equal(
      haste.run(() => 7),
      7,
    )
    assert.throws(() => haste.run(() => assert.fail('EIO')), /EIO/)
  })
})
