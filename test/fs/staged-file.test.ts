import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { loadFindData } from '../../src/base/holes.ts'
import { type RootHash } from '../../src/base/brand.ts'
import { openDiskRoot } from '../../src/fs/disk-root.ts'

const plain = { owner: null, group: null, fileMode: 0o644, dirMode: 0o755, minFreeBytes: 0 }

test('a staged file says where nothing was ever written', async (t) => {
  if (loadFindData() === null) return t.skip('koffi is not installed: holes are read')
  const dir = mkdtempSync(join(tmpdir(), 'isosyncd-'))
  t.after(() => rmSync(dir, { recursive: true }))
  const staged = await openDiskRoot({ dir, ...plain }).openStaged('ab'.repeat(32) as RootHash)
  await staged.truncate(64 << 20)
  assert.equal(staged.dataFrom(0), Infinity)
  await staged.write(Buffer.alloc(1 << 20, 7), 32 << 20)
  assert.equal(staged.dataFrom(0), 32 << 20)
  assert.equal(staged.dataFrom((32 << 20) + 5), (32 << 20) + 5)
  assert.equal(staged.dataFrom(33 << 20), Infinity)
  await staged.close()
})
