/** kill -9 of three hosts while files are on their way, ten times; `npm run chaos` does it longer and with large files. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { killInTransfers } from './kills.ts'

test('after each of ten kills in the middle of transfers all goes on where it was, and no file was ever partial', async () => {
  const sizes = { files: 6, leastBytes: 1 << 20, mostBytes: 4 << 20 }
  const { killed } = await killInTransfers({ kills: 10, ...sizes, kBPerSecond: 1000 })
  assert.ok(killed.reduce((sum, n) => sum + n, 0) >= 10)
})
