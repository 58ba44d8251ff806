/** kill -9 in the middle of a transfer, ten times; `npm run chaos` does it longer and with larger files. */
import { test } from 'node:test'
import { killInTransfers } from './kills.ts'

test('after each of ten kills in the middle of a transfer the file arrives, and was never partial', async () => {
  await killInTransfers({ kills: 10, bytes: 4 << 20, kBPerSecond: 2000 })
})
