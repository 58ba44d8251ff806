import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Clock } from '../../src/base/clock.ts'
import { Settling } from '../../src/engine/settling.ts'
import { type Stat } from '../../src/sync/entry.ts'
import { path } from '../db/index-samples.ts'

const NOW_MS = 1_700_000_000_000
const SETTLE_MS = 10_000
const IMAGE = path('image.iso')

/** A daemon that has run for a minute by a clock that has jumped meanwhile. */
function setup(jumpMs: number) {
  let [passedMs, jumpedMs] = [0, 0]
  const clock = { now: () => NOW_MS + passedMs + jumpedMs, elapsed: () => 5_000 + passedMs, after: () => () => {} }
  const settling = new Settling({
    settleMs: () => SETTLE_MS,
    clock: clock as unknown as Clock,
    lookAgain: () => {},
  })
  passedMs = 60_000
  jumpedMs = jumpMs
  return settling
}

/** Of a file that was last written to so long after the start. */
function writtenAt(ms: number): Stat {
  const us = (NOW_MS + ms) * 1000
  return { kind: 'file', size: 1, mtimeUs: us, ctimeUs: us, inode: 1 }
}

test('a file whose stamps are old has settled when it is first seen', () => {
  assert.equal(setup(0).settled(IMAGE, writtenAt(40_000)), true)
  assert.equal(setup(0).settled(IMAGE, writtenAt(59_000)), false)
})

test('a file that is being written to does not look old because the clock has jumped', () => {
  const YEARS_MS = 3 * 365 * 86_400_000
  assert.equal(setup(YEARS_MS).settled(IMAGE, writtenAt(59_000)), false)
  assert.equal(setup(-YEARS_MS).settled(IMAGE, writtenAt(59_000)), false)
})
