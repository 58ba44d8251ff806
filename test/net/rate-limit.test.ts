import assert from 'node:assert/strict'
import { test } from 'node:test'
import { RateLimit } from '../../src/net/rate-limit.ts'
import { VirtualClock } from './virtual-clock.ts'

/** Takes as fast as it is let, for `seconds`; gives the bytes that passed in each of them. */
async function run(limit: RateLimit, clock: VirtualClock, seconds: number): Promise<number[]> {
  const passed: number[] = []
  let bytes = 0
  const again = (n: number) =>
    limit.take(n, () => {
      bytes += n
      queueMicrotask(() => again(limit.sliceBytes()))
    })
  again(limit.sliceBytes())
  for (let second = 0; second < seconds; second++) {
    const before = bytes
    await clock.pass(1_000)
    passed.push(bytes - before)
  }
  return passed
}

test('a limit holds within 5 % over any ten seconds, high or low', async () => {
  for (const bytesPerSecond of [10_000, 100_000, 1_000_000, 100_000_000]) {
    const clock = new VirtualClock()
    const passed = await run(new RateLimit({ bytesPerSecond }, { clock }), clock, 20)
    for (let from = 0; from <= 10; from++) {
      const bytes = passed.slice(from, from + 10).reduce((sum, n) => sum + n, 0)
      const ratio = bytes / (10 * bytesPerSecond)
      assert.ok(ratio > 0.95 && ratio < 1.05, `${bytesPerSecond} B/s, from second ${from}: ${ratio}`)
    }
  }
})

test('without a limit everything passes at once', () => {
  const limit = new RateLimit({ bytesPerSecond: 0 }, { clock: new VirtualClock() })
  let passed = 0
  for (let i = 0; i < 1_000; i++) limit.take(1e9, () => passed++)
  assert.equal(passed, 1_000)
  assert.equal(limit.limited, false)
})

test('a long pause is not saved up', async () => {
  const clock = new VirtualClock()
  const limit = new RateLimit({ bytesPerSecond: 100_000 }, { clock })
  await clock.pass(3_600_000)
  const [first = 0] = await run(limit, clock, 1)
  assert.ok(first <= 115_000, `${first} bytes in the first second`)
})

test('takers take turns', async () => {
  const clock = new VirtualClock()
  const limit = new RateLimit({ bytesPerSecond: 100_000 }, { clock })
  const counts = [0, 0, 0]
  const take = (i: number): void =>
    limit.take(5_000, () => {
      counts[i] = (counts[i] ?? 0) + 1
      queueMicrotask(() => take(i))
    })
  counts.forEach((_, i) => take(i))
  await clock.pass(10_000)
  assert.ok(Math.max(...counts) - Math.min(...counts) <= 1, String(counts))
})

test('bytes that passed without asking make others wait', async () => {
  const clock = new VirtualClock()
  const limit = new RateLimit({ bytesPerSecond: 100_000 }, { clock })
  limit.charge(500_000)
  const [first = 0, , , , , ...later] = await run(limit, clock, 8)
  assert.equal(first, 0)
  assert.ok((later[1] ?? 0) > 90_000)
})

test('lifting a limit lets those who wait go on', async () => {
  const clock = new VirtualClock()
  const limit = new RateLimit({ bytesPerSecond: 1_000 }, { clock })
  let passed = 0
  for (let i = 0; i < 10; i++) limit.take(2_048, () => passed++)
  assert.ok(passed < 10)
  limit.setRate(0)
  assert.equal(passed, 10)
})
