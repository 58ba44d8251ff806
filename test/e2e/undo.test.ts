/** Deletions and replacements by another host, half of them while the disk is full; `npm run chaos` does a thousand. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { changeFromAfar } from './undo.ts'

test('what another host deleted or replaced lies in the archive byte by byte, also when the disk was full', async (t) => {
  const figures = await changeFromAfar({ changes: 100 })
  if (figures === null) return t.skip('needs the right to mount loop devices')
  assert.equal(figures.archived, figures.changes)
})
