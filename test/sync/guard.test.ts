import assert from 'node:assert/strict'
import { test } from 'node:test'
import { guardDeletions } from '../../src/sync/guard.ts'

const usual = { maxFiles: 10, maxPercent: 25 }
const none = { maxFiles: 0, maxPercent: 0 }
const cases: [string, number, number, typeof usual, 'pass' | 'hold'][] = [
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
for (const [name, deletions, total, limits, verdict] of cases) {
  test(`the brake: ${name} (${deletions} of ${total}): ${verdict}`, () => {
    assert.equal(guardDeletions({ total, deletions }, limits), verdict)
  })
}
