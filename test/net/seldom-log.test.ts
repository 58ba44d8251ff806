import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SeldomLog } from '../../src/net/seldom-log.ts'
import { VirtualClock } from './virtual-clock.ts'

const EVERY_MS = 60_000

test('an address has one line in a time, and all that are too many to know have one together', async () => {
  const clock = new VirtualClock()
  const seldom = new SeldomLog({ everyMs: EVERY_MS }, { clock })
  const written = (addresses: number) => {
    let lines = 0
    for (let n = 0; n < addresses; n++) seldom.log(`192.0.2.${n}`, () => lines++)
    return lines
  }
  assert.equal(written(50), 50)
  await clock.pass(EVERY_MS / 2)
  assert.equal(written(1_000), 51, 'fifty more, and the others')
  assert.equal(written(1_000), 0)
  await clock.pass(EVERY_MS / 2)
  assert.equal(written(1_000), 49, 'as many as have been forgotten, but for the one that stands for the others')
  await clock.pass(EVERY_MS / 2)
  assert.ok(written(1_000) > 50)
})
