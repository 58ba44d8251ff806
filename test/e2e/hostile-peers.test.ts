import assert from 'node:assert/strict'
import { test } from 'node:test'
import { doHarm, HARMS } from './hostile-peers.ts'

test('a hostile host with the secret gets no wrong byte in, and is put out', async () => {
  for (const figures of await doHarm(HARMS)) {
    const text = JSON.stringify(figures)
    assert.equal(figures.wrongBytes, 0, text)
    if (figures.harm === 'no delivery') assert.match(figures.log, /has sent nothing .* asking others instead/, text)
    if (figures.droppedMs !== null && figures.harm !== 'no delivery') assert.match(figures.log, /shut out/, text)
  }
})
