import assert from 'node:assert/strict'
import { test } from 'node:test'
import { doHarm, HARMS } from './hostile-peers.ts'

test('a hostile host with the secret gets no wrong byte in, and is put out', async () => {
  for (const figures of await doHarm(HARMS, { promisedBytes: 8 << 20, otherBytes: 4 << 20 })) {
    const text = JSON.stringify(figures)
    assert.equal(figures.wrongBytes, 0, text)
    assert.match(figures.log, figures.harm === 'no delivery' ? /asking others instead/ : /shut out/, text)
  }
})
