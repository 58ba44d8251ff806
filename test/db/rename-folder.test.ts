import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { type FolderId, fromHex } from '../../src/base/brand.ts'
import { openIndexDatabase } from '../../src/db/open.ts'
import { file, path, replica } from '../sync/record-samples.ts'

const from = fromHex<FolderId>('11'.repeat(16))
const to = fromHex<FolderId>('22'.repeat(16))

test('a folder keeps all under its new id: a writer signs anew, a reader asks for all records again', () => {
  for (const signs of [true, false]) {
    const dir = mkdtempSync(join(tmpdir(), 'isosyncd-rename-'))
    try {
      const records = Array.from({ length: 2_500 }, (_, i) => file('a1', '7', { path: path(`f${i}`) })).map(
        (record, i) => ({ ...record, signature: new Uint8Array(64).fill(i % 200) }),
      )
      let db = openIndexDatabase(join(dir, 'index.db'))
      db.folder(from).commit([
        ...records.map((record) => ({ op: 'records' as const, path: record.path, records: [record] })),
        { op: 'received', peer: replica('b'), sequence: 7 },
        { op: 'acknowledged', peer: replica('b'), sequence: 9 },
      ])
      const before = db.folder(from).recordsAfter(0, 3_000)
      db.close()
      db = openIndexDatabase(join(dir, 'index.db'))
      const sign = signs ? () => new Uint8Array(64).fill(250) : null
      assert.equal(db.renameFolder({ from, to, sign }), true)
      assert.equal(db.renameFolder({ from, to, sign }), false)
      const after = db.folder(to).recordsAfter(0, 3_000)
      const plain = (all: typeof before) => all.map(({ sequence, record }) => ({ sequence, ...record, signature: 0 }))
      assert.deepEqual(plain(after), plain(before))
      assert.ok(!signs || after.every(({ record }) => record.signature[0] === 250))
      assert.deepEqual(db.folder(to).peerProgress(replica('b')), { received: signs ? 7 : 0, acknowledged: 9 })
      db.close()
    } finally {
      rmSync(dir, { recursive: true })
    }
  }
})
