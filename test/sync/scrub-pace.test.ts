import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import {
  believableBegin,
  isRoundOver,
  restAfterReading,
  type RoundProgress,
  shareDone,
  waitBeforeReading,
  wasReadInRound,
} from '../../src/sync/scrub-pace.ts'

const DAY_MS = 86_400_000
const GB = 1e9

function round(doneBytes: number, totalBytes: number, over: Partial<RoundProgress> = {}): RoundProgress {
  const [done, total] = [doneBytes, totalBytes].map((bytes) => ({ files: bytes / GB, bytes })) as [Amount, Amount]
  return { beganMs: 0, intervalMs: 30 * DAY_MS, done, total, ...over }
}
type Amount = RoundProgress['done']

test('the disk rests nine times as long as it was read', () => {
  assert.equal(restAfterReading(100), 900)
})

const waits: readonly { what: string; round: RoundProgress; nowDays: number; reading: boolean; waitMs: number }[] = [
  { what: 'half done at half time: the next burst is ten minutes off', round: round(50 * GB, 100 * GB), nowDays: 15, reading: false, waitMs: 600_000 },
  { what: 'half done at half time: a burst that has begun has done its part', round: round(50 * GB, 100 * GB), nowDays: 15, reading: true, waitMs: 0 },
  { what: 'a day ahead: a day and a burst', round: round(50 * GB, 100 * GB), nowDays: 14, reading: false, waitMs: DAY_MS + 600_000 },
  { what: 'behind: at once', round: round(0, 100 * GB), nowDays: 1, reading: false, waitMs: 0 },
  { what: 'behind, reading: goes on', round: round(0, 100 * GB), nowDays: 1, reading: true, waitMs: 0 },
  { what: 'an empty folder: when the round is over', round: round(0, 0), nowDays: 0, reading: true, waitMs: 30 * DAY_MS },
] // prettier-ignore

for (const { what, round, nowDays, reading, waitMs } of waits)
  test(what, () => assert.equal(waitBeforeReading(round, nowDays * DAY_MS, reading), waitMs))

test('a round is over when all is read and its time has come, not before, and late with its last file', () => {
  assert.equal(isRoundOver(round(100 * GB, 100 * GB), 29 * DAY_MS), false)
  assert.equal(isRoundOver(round(100 * GB, 100 * GB), 30 * DAY_MS), true)
  assert.equal(isRoundOver(round(99 * GB, 100 * GB), 40 * DAY_MS), false)
  assert.equal(isRoundOver(round(100 * GB, 100 * GB), 40 * DAY_MS), true)
  assert.equal(isRoundOver(round(0, 0), 0), false)
})

test('empty files are spread over the round like others', () => {
  const files = (count: number) => ({ files: count, bytes: 0 })
  assert.equal(shareDone({ done: files(250_000), total: files(1_000_000) }), 0.25)
})

test('only stamps of this round that are not from the future count', () => {
  assert.equal(wasReadInRound(null, 1000, 9000), false)
  assert.equal(wasReadInRound(4000, 5500, 9000), false)
  assert.equal(wasReadInRound(5000, 5500, 9000), true, 'kept in whole seconds')
  assert.equal(wasReadInRound(9000, 5500, 9000), true)
  assert.equal(wasReadInRound(9001, 5500, 9000), false)
})

test('a round that began in the future begins now', () => {
  assert.equal(believableBegin(null, 7), 7)
  assert.equal(believableBegin(5, 7), 5)
  assert.equal(believableBegin(9, 7), 7)
})

/** Follows the pace through a whole round, as the scrubber does; time passes only by reading and waiting. */
function simulate(files: readonly number[], intervalMs: number, msPerMB: number) {
  const total = { files: files.length, bytes: files.reduce((a, b) => a + b, 0) }
  let [now, readMs, longestReadMs, mostBehindMs] = [0, 0, 0, 0]
  let done = { files: 0, bytes: 0 }
  const at = () => ({ beganMs: 0, intervalMs, done, total })
  for (let reading = false; !isRoundOver(at(), now) && now < 100 * intervalMs;) {
    const wait = waitBeforeReading(at(), now, reading)
    if (wait > 0 || done.files === files.length) {
      now += reading ? 0 : wait
      reading = !reading && done.files < files.length
      if (done.files === files.length) now = Math.max(now, intervalMs)
      continue
    }
    reading = true
    const size = files[done.files] ?? 0
    const took = (size / 1e6) * msPerMB
    now += took + restAfterReading(took)
    readMs += took
    longestReadMs = Math.max(longestReadMs, took)
    done = { files: done.files + 1, bytes: done.bytes + size }
    mostBehindMs = Math.max(mostBehindMs, now - shareDone(at()) * intervalMs)
  }
  return { now, readMs, longestReadMs, mostBehindMs }
}

const pools = fc.array(fc.integer({ min: 0, max: 20_000_000_000 }), { minLength: 1, maxLength: 60 })

test('whatever lies in the pool: never more than a tenth of the time is reading, and no round ends early', () => {
  fc.assert(
    fc.property(pools, fc.integer({ min: 1, max: 60 }), fc.double({ min: 1, max: 500, noNaN: true }), (files, days, msPerMB) => {
      const { now, readMs } = simulate(files, days * DAY_MS, msPerMB)
      assert.ok(readMs <= now / 10 + 1e-3, `${readMs} ms of ${now} were reading`)
      assert.ok(now >= days * DAY_MS * 0.99)
    }),
  ) // prettier-ignore
})

test('a disk that is fast enough is read within the interval, and evenly', () => {
  fc.assert(
    fc.property(pools, fc.integer({ min: 1, max: 60 }), (files, days) => {
      const intervalMs = days * DAY_MS
      const bytes = files.reduce((a, b) => a + b, 0)
      // So fast that a tenth of its time would do for the pool twice over.
      const msPerMB = Math.min(5, intervalMs / 20 / (bytes / 1e6 + 1))
      const { now, longestReadMs, mostBehindMs } = simulate(files, intervalMs, msPerMB)
      const slack = longestReadMs * 10 + intervalMs / 100 + 1
      assert.ok(now <= intervalMs + slack, `took ${now} of ${intervalMs}`)
      assert.ok(mostBehindMs <= slack, `${mostBehindMs} ms behind`)
    }),
  )
})
