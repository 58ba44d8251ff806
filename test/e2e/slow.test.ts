/** A slow disk under three fast senders, for some seconds; `npm run chaos` does it for minutes, and looks at memory. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { receiveOnSlowDisk } from './slow.ts'

test('a disk that takes 20 MB/s slows its senders down: no connection breaks, and all arrives', async (t) => {
  const figures = await receiveOnSlowDisk({ seconds: 8, bytesPerSecond: 20_000_000, warmUpSeconds: 2 })
  if (figures === null) return t.skip('needs root, loop devices and the blkio controller of cgroup v1')
  assert.deepEqual(figures.resets, [])
})
