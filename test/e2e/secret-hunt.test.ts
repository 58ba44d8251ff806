/** No secret, and no key derived from one, in anything that daemons write or say. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { huntSecrets } from './secret-hunt.ts'

test('no secret is in log, storage, answers, command line or environment', async () => {
  const figures = await huntSecrets({ files: 6 })
  assert.deepEqual(figures.hits, [])
  assert.ok(figures.places > 40 && figures.bytes > 100_000, JSON.stringify(figures))
})
