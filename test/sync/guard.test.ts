import assert from 'node:assert/strict'
import { test } from 'node:test'
import { guardLosses, type Losses, type Verdict } from '../../src/sync/guard.ts'

const usual = { maxFiles: 10, maxPercent: 25 }
const none = { maxFiles: 0, maxPercent: 0 }
const no = { deleted: 0, replaced: 0 }

const deletions: [string, number, number, typeof usual, Verdict][] = [
  ['nothing vanishes', 0, 100, usual, 'pass'],
  ['an empty root stays empty', 0, 0, usual, 'pass'],
  ['the only file is deleted', 1, 1, usual, 'pass'],
  ['both files of two', 2, 2, usual, 'hold'],
  ['all files of a small pool', 5, 5, usual, 'hold'],
  ['all but one of a small pool', 4, 5, usual, 'pass'],
  ['many per cent, but few files', 10, 11, usual, 'pass'],
  ['many files, but few per cent', 25, 100, usual, 'pass'],
  ['one more than both limits', 26, 100, usual, 'hold'],
  ['60 % of a thousand', 600, 1000, usual, 'hold'],
  ['5 % of a thousand', 50, 1000, usual, 'pass'],
  ['all of a thousand', 1000, 1000, { maxFiles: 5000, maxPercent: 100 }, 'hold'],
  ['one of many, with no deletion allowed', 1, 1000, none, 'hold'],
  ['none, with no deletion allowed', 0, 1000, none, 'pass'],
]
for (const [name, deleted, total, limits, verdict] of deletions) {
  test(`the brake: ${name} (${deleted} of ${total}): ${verdict}`, () => {
    assert.equal(guardLosses({ total, sure: { deleted, replaced: 0 }, doubtful: no }, limits), verdict)
  })
}

const others: [string, { total: number; sure: Losses; doubtful?: Losses }, Verdict][] = [
  ['eleven of twenty are replaced', { total: 20, sure: { deleted: 0, replaced: 11 } }, 'hold'],
  ['ten of twenty are replaced', { total: 20, sure: { deleted: 0, replaced: 10 } }, 'pass'],
  ['all of a small pool are replaced: something is left', { total: 5, sure: { deleted: 0, replaced: 5 } }, 'pass'],
  ['some are deleted, some replaced: together too many', { total: 40, sure: { deleted: 6, replaced: 5 } }, 'hold'],
  [
    'a few, and few are in doubt',
    { total: 40, sure: { deleted: 0, replaced: 3 }, doubtful: { deleted: 0, replaced: 7 } },
    'pass',
  ],
  [
    'a few, and many are in doubt',
    { total: 40, sure: { deleted: 0, replaced: 3 }, doubtful: { deleted: 0, replaced: 8 } },
    'wait',
  ],
  [
    'one, and all others may be gone too',
    { total: 5, sure: { deleted: 1, replaced: 0 }, doubtful: { deleted: 4, replaced: 0 } },
    'wait',
  ],
  [
    'too many, whatever is in doubt',
    { total: 40, sure: { deleted: 0, replaced: 11 }, doubtful: { deleted: 0, replaced: 9 } },
    'hold',
  ],
  ['all in doubt, nothing sure', { total: 40, sure: no, doubtful: { deleted: 0, replaced: 40 } }, 'wait'],
]
for (const [name, { total, sure, doubtful = no }, verdict] of others) {
  test(`the brake: ${name}: ${verdict}`, () => {
    assert.equal(guardLosses({ total, sure, doubtful }, usual), verdict)
  })
}
