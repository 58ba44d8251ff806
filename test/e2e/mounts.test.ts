/** Each way to lose a root once, by turns while the daemon runs and before it starts; `npm run chaos` does each twenty times. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { loseRoots } from './mounts.ts'
import { TROUBLES } from './wrong-mounts.ts'

test('an empty, foreign or missing root deletes nothing, is left alone, and the folder goes on when it is back', async (t) => {
  const figures = await loseRoots({ troubles: TROUBLES })
  if (figures === null) return t.skip('needs the right to mount loop devices')
  assert.equal(figures.tombstones, 0)
})
