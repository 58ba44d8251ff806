import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { bytesPerSecond, limitThatHolds, type TimedLimit } from '../../src/sync/timed-limit.ts'

const nothing = { download: null, upload: null }
const day = { from: 7 * 60, to: 19 * 60 }
const night = { from: 19 * 60, to: 7 * 60 }
const list: readonly TimedLimit[] = [
  { sites: ['north', 'south'], minutes: day, ...nothing },
  { sites: ['north', 'south'], minutes: null, ...nothing },
  { sites: null, minutes: night, ...nothing },
]

const cases: readonly [string, [string | null, string | null], number, number][] = [
  ['by day between the two sites', ['north', 'south'], 12 * 60, 0],
  ['the same seen from the other end', ['south', 'north'], 12 * 60, 0],
  ['at its first minute', ['north', 'south'], 7 * 60, 0],
  ['at the minute it ends the next one holds', ['north', 'south'], 19 * 60, 1],
  ['other sites by day: none', ['north', 'east'], 12 * 60, -1],
  ['other sites by night', ['north', 'east'], 23 * 60, 2],
  ['and past midnight', ['north', 'east'], 6 * 60 + 59, 2],
  ['hosts without a site by night', [null, null], 0, 2],
  ['hosts without a site by day', [null, 'south'], 12 * 60, -1],
]

for (const [what, sites, minute, at] of cases)
  test(`which limit holds: ${what}`, () => assert.equal(limitThatHolds(list, { sites, minute }), at))

test('of a span and its opposite always exactly one holds; a span without length is the whole day', () => {
  const minute = fc.nat(1439)
  fc.assert(
    fc.property(minute, minute, minute, (from, to, now) => {
      const holds = (span: { from: number; to: number }) =>
        limitThatHolds([{ sites: null, minutes: span, ...nothing }], { sites: [null, null], minute: now }) === 0
      if (from === to) assert.ok(holds({ from, to }))
      else assert.notEqual(holds({ from, to }), holds({ from: to, to: from }))
    }),
  )
})

test('rates: a number, a share of the own limit, none, and nothing said', () => {
  assert.equal(bytesPerSecond({ kind: 'rate', bytesPerSecond: 5_000 }, 1_000), 5_000)
  assert.equal(bytesPerSecond({ kind: 'share', share: 0.2 }, 1_000), 200)
  assert.equal(bytesPerSecond({ kind: 'none' }, 1_000), 0)
  assert.equal(bytesPerSecond(null, 1_000), 1_000)
})
