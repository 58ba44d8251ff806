import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Keepalive } from '../../src/net/keepalive.ts'
import { KEEPALIVE_MS } from '../../src/net/limits.ts'
import { VirtualClock } from './virtual-clock.ts'

function keepalive(tcpRoundTripMs = () => NaN) {
  const clock = new VirtualClock()
  const seen = { pings: [] as number[], dead: 0 }
  const alive = new Keepalive({
    clock,
    ping: (id) => void seen.pings.push(id),
    tcpRoundTripMs,
    dead: () => void seen.dead++,
  })
  return { clock, seen, alive }
}

test('a peer that says nothing is dead after three intervals, one that says anything is not', async () => {
  const { clock, seen, alive } = keepalive()
  alive.start()
  await clock.pass(29_999)
  assert.equal(seen.dead, 0)
  alive.heard()
  await clock.pass(29_999)
  assert.equal(seen.dead, 0)
  await clock.pass(10_002)
  assert.equal(seen.dead, 1)
})

test('the round trip is measured from the last ping to its own answer', async () => {
  const { clock, seen, alive } = keepalive()
  assert.ok(Number.isNaN(alive.rttMs()))
  alive.start()
  await clock.pass(40)
  alive.pong(seen.pings.at(-1) ?? 0)
  assert.equal(alive.rttMs(), 40)
  alive.pong(12_345)
  assert.equal(alive.rttMs(), 40)
})

test('how far a peer is can be told after six answers, a second apart: the least of them', async () => {
  const { clock, seen, alive } = keepalive()
  alive.start()
  for (const tookMs of [90, 80, 70, 30, 90, 70]) {
    assert.ok(Number.isNaN(alive.leastRttMs()))
    await clock.pass(tookMs)
    alive.pong(seen.pings.at(-1) ?? 0)
    await clock.pass(1000)
  }
  assert.deepEqual([alive.leastRttMs(), alive.rttMs(), seen.pings.length], [30, 70, 6])
})

test('a host that is busy for the first three seconds does not look far', async () => {
  const { clock, seen, alive } = keepalive()
  alive.start()
  for (const tookMs of [900, 800, 600, 1, 1, 1]) {
    await clock.pass(tookMs)
    alive.pong(seen.pings.at(-1) ?? 0)
    await clock.pass(1000)
  }
  assert.equal(alive.leastRttMs(), 1)
})

test('what the kernel has measured is known at once, and the least of it counts, however late answers come', async () => {
  const measured = [25, 1, 30]
  const { clock, seen, alive } = keepalive(() => measured.shift() ?? NaN)
  alive.start()
  assert.deepEqual([alive.leastRttMs(), seen.pings.length], [25, 1])
  for (let i = 0; i < 6; i++) {
    await clock.pass(900)
    alive.pong(seen.pings.at(-1) ?? 0)
    await clock.pass(KEEPALIVE_MS - 900)
    assert.equal(alive.leastRttMs(), 1)
  }
})

test('a peer behind a proxy that ends the connection half-way is as far as its answers say, after ten minutes', async () => {
  const { clock, seen, alive } = keepalive(() => 1)
  alive.start()
  for (let i = 0; i < 60; i++) {
    assert.equal(alive.leastRttMs(), 1)
    await clock.pass(80)
    alive.pong(seen.pings.at(-1) ?? 0)
    await clock.pass(KEEPALIVE_MS - 80)
  }
  assert.equal(alive.leastRttMs(), 80)
})

test('a probe tells a peer that answers from one that does not', async () => {
  const { clock, alive } = keepalive()
  const silent = alive.probe(3_000)
  await clock.pass(3_000)
  assert.equal(await silent, false)
  const answered = alive.probe(3_000)
  alive.heard()
  assert.equal(await answered, true)
})

test('nothing is sent after it was stopped', async () => {
  const { clock, seen, alive } = keepalive()
  alive.start()
  alive.pong(seen.pings.at(-1) ?? 0)
  alive.stop()
  await clock.pass(100_000)
  assert.equal(seen.pings.length, 1)
  assert.equal(seen.dead, 0)
})
