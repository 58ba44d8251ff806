import assert from 'node:assert/strict'
import { test } from 'node:test'
import { giveMemoryBackWhenCalm, thisProcess } from '../../src/host/calm-memory.ts'
import { VirtualClock } from '../net/virtual-clock.ts'

const MB = 1 << 20

/** A process whose CPU time and memory a test sets; a collection leaves `live` bytes. */
function process(live: number) {
  const clock = new VirtualClock()
  const state = { cpuMs: 0, resident: 190 * MB, collections: 0 }
  const stop = giveMemoryBackWhenCalm({
    clock,
    cpuMs: () => state.cpuMs,
    residentBytes: () => state.resident,
    collect: () => {
      state.collections++
      state.resident = live
    },
  })
  const work = async (seconds: number) => {
    for (let second = 0; second < seconds; second++) {
      state.cpuMs += 100
      await clock.pass(1_000)
    }
  }
  return { clock, state, stop, work }
}

test('a daemon that does nothing gives its memory back, once more what it keeps for a while, and is left alone', async () => {
  const { clock, state } = process(120 * MB)
  await clock.pass(10_000)
  assert.equal(state.collections, 1)
  assert.equal(state.resident, 120 * MB)
  await clock.pass(40_000)
  assert.equal(state.collections, 2)
  await clock.pass(600_000)
  assert.equal(state.collections, 2)
})

test('what is kept for a while is given back later where there is work then', async () => {
  const { clock, state, work } = process(120 * MB)
  await clock.pass(10_000)
  await work(60)
  assert.equal(state.collections, 1)
  await clock.pass(10_000)
  assert.equal(state.collections, 2)
})

test('a daemon at work is never made to stand still', async () => {
  const { state, work } = process(120 * MB)
  await work(60)
  assert.equal(state.collections, 0)
})

test('what has grown since is given back again, a little growth is left alone', async () => {
  const { clock, state } = process(120 * MB)
  await clock.pass(10_000)
  state.resident = 125 * MB
  await clock.pass(10_000)
  assert.equal(state.collections, 1)
  state.resident = 140 * MB
  await clock.pass(10_000)
  assert.equal(state.collections, 2)
})

test('memory that went by itself counts from there', async () => {
  const { clock, state } = process(300 * MB)
  state.resident = 400 * MB
  await clock.pass(10_000)
  state.resident = 120 * MB
  await clock.pass(10_000)
  state.resident = 150 * MB
  await clock.pass(10_000)
  assert.equal(state.collections, 2)
})

test('nothing is looked at after the end', async () => {
  const { clock, state, stop } = process(120 * MB)
  stop()
  await clock.pass(60_000)
  assert.equal(state.collections, 0)
})

test('without --expose-gc there is nothing to give back with', () => {
  assert.equal(thisProcess(new VirtualClock()), null)
})
