/** What a claim on a root does about directories that could not be watched. */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { silentLog } from '../../src/base/log.ts'
import { RootClaim } from '../../src/host/root-claim.ts'

const LONG_MS = 600_000

test('a watcher that has failed gives way to a new one at a later look, and to no second one at once', async (t) => {
  const dir = mkdtempSync(join(tmpdir(), 'isosyncd-claim-'))
  t.after(() => rmSync(dir, { recursive: true }))
  let nowMs = 0
  let isFailing = true
  const said: string[] = []
  const watch = () => {
    said.push('watched')
    return { ready: Promise.resolve(), hasFailed: isFailing, close: async () => void said.push('closed') }
  }
  await using claim = new RootClaim(
    { dir, metaDir: join(dir, '.sync') },
    {
      disk: { assertUsable: () => {}, readIgnoreList: async (text) => text },
      watch,
      watched: () => said.push('looked'),
      clock: { elapsed: () => nowMs },
      log: silentLog,
    },
  )
  assert.equal(await claim.take(), null)
  await claim.take()
  assert.deepEqual(said, ['watched', 'looked'], 'the look that it asks for makes no other')
  nowMs += LONG_MS
  isFailing = false
  await claim.take()
  nowMs += LONG_MS
  await claim.take()
  assert.deepEqual(said, ['watched', 'looked', 'closed', 'watched', 'looked'])
})
