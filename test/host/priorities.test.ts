import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type RelPath } from '../../src/base/brand.ts'
import { rankByGlobs } from '../../src/host/priorities.ts'

const rankOf = rankByGlobs(['rescue/**', '*-netinst.iso', '.hidden/*'])

const cases: readonly [string, number][] = [
  ['rescue/grub.iso', 0],
  ['rescue/deep/down/x', 0],
  ['debian-12-netinst.iso', 1],
  ['some/where/debian-12-netinst.iso', 1],
  ['rescue/debian-12-netinst.iso', 0],
  ['.hidden/a', 2],
  ['debian-12-dvd.iso', 3],
  ['not-rescue/grub.iso', 3],
]
for (const [path, rank] of cases) test(`${path} has rank ${rank}`, () => assert.equal(rankOf(path as RelPath), rank))

test('without priorities all files are alike', () => assert.equal(rankByGlobs([])('a' as RelPath), 0))
