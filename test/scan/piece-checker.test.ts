/** Both checkers: what they find, and that a flipped bit does not hide behind the page cache. */
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { closeSync, mkdtempSync, openSync, rmSync, writeFileSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, suite, test } from 'node:test'
import { type OpenFile } from '../../src/fs/root.ts'
import { openDiskRoot } from '../../src/fs/disk-root.ts'
import { InlineChecker, type PieceChecker } from '../../src/scan/piece-checker.ts'
import { InlineHasher } from '../../src/scan/inline-hasher.ts'
import { ThreadChecker } from '../../src/scan/thread-checker.ts'
import { pieceOffsets } from '../../src/sync/piece-list.ts'
import { path } from '../db/index-samples.ts'

const dir = mkdtempSync(join(tmpdir(), 'isosyncd-checker-'))
after(() => rmSync(dir, { recursive: true }))
const root = openDiskRoot({ dir, owner: null, group: null, fileMode: null, dirMode: null, minFreeBytes: 0 })
const SIZE = 5_000_000

const checkers: readonly { name: string; checker: PieceChecker }[] = [
  { name: 'inline', checker: new InlineChecker({ elapsed: () => performance.now() }) },
  { name: 'in a thread', checker: new ThreadChecker() },
]

async function opened(name: string): Promise<OpenFile> {
  writeFileSync(join(dir, name), randomBytes(SIZE))
  return await root.open(path(name))
}

function flip(name: string, position: number): void {
  const fd = openSync(join(dir, name), 'r+')
  writeSync(fd, Buffer.from([0x5a, 0xa5]), 0, 2, position)
  closeSync(fd)
}

for (const { name, checker } of checkers)
  suite(`checking pieces ${name}`, () => {
    const hash = (file: OpenFile) => new InlineHasher().hash(file, SIZE, () => {}, new AbortController().signal)
    after(() => checker.rest())

    test('finds nothing in a file that is as it was', async () => {
      const file = await opened('sound')
      const list = await hash(file)
      const { bad, readMs } = await checker.check(file, list, 0, list.count)
      assert.deepEqual(bad, [])
      assert.ok(readMs > 0)
      await file.close()
    })

    test('finds the pieces that differ, in the part that it is to look at', async () => {
      const file = await opened('rotten')
      const list = await hash(file)
      const offsets = pieceOffsets(list)
      for (const ordinal of [1, 4, list.count - 1]) flip('rotten', (offsets[ordinal + 1] ?? 0) - 2)
      assert.deepEqual((await checker.check(file, list, 0, list.count)).bad, [1, 4, list.count - 1])
      assert.deepEqual((await checker.check(file, list, 2, 5)).bad, [4])
      await checker.rest()
      assert.deepEqual((await checker.check(file, list, 1, 2)).bad, [1], 'after a rest')
      await file.close()
    })

    test('finds the end of a file that was cut short', async () => {
      const file = await opened('short')
      const list = await hash(file)
      writeFileSync(join(dir, 'short'), '')
      assert.equal((await checker.check(file, list, 0, list.count)).bad.length, list.count)
      await file.close()
    })
  })
