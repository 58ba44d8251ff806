/** Files that change while they are hashed or sent, a few; `npm run chaos` does it 200 times each. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { changeFiles } from './changing.ts'

test('of files that change while they are hashed or sent only finished contents ever arrive', async () => {
  const options = { hashedBytes: 32 << 20, sentBytes: 3 << 20, kBPerSecond: 5000 }
  const { whileHashed, whileSent } = await changeFiles({ changes: 5, ...options })
  assert.deepEqual([whileHashed, whileSent], [5, 5])
})
