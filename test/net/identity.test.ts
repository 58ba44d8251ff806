import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { loadOrMakeIdentity } from '../../src/net/identity.ts'

test('an identity is made once, for the daemon alone, and found again', (t) => {
  const dir = mkdtempSync(join(tmpdir(), 'isosyncd-'))
  t.after(() => rmSync(dir, { recursive: true }))
  const file = join(dir, 'identity')
  const made = loadOrMakeIdentity(file)
  assert.equal(made.byteLength, 32)
  assert.equal(statSync(file).mode & 0o777, 0o600)
  assert.deepEqual(Buffer.from(loadOrMakeIdentity(file)), Buffer.from(made))
  writeFileSync(`${file}-2.tmp`, 'cut short by a crash')
  assert.equal(loadOrMakeIdentity(`${file}-2`).byteLength, 32)
  writeFileSync(file, 'short')
  assert.throws(() => loadOrMakeIdentity(file), /identity: this is no identity \(5 bytes instead of 32\).*remove it/)
  assert.throws(() => loadOrMakeIdentity(join(dir, 'missing', 'identity')), /ENOENT/)
})
