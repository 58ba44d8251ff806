/** When an index is believed, checked, or set aside for a new one. */
import assert from 'node:assert/strict'
import { copyFileSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { silentLog } from '../../src/base/log.ts'
import { leaveCleanStop, takeCleanStop } from '../../src/host/clean-stop.ts'
import { openStorage, storageFiles } from '../../src/host/open-storage.ts'
import { setAside, setAsideOf } from '../../src/host/set-aside.ts'

const NOW = Date.UTC(2026, 10, 23, 7, 0, 0)
const needs = (said: string[] = []) => ({
  log: { ...silentLog, error: (_: object, text: string) => void said.push(text) },
  clock: { now: () => NOW },
})

function storage(t: TestContext): string {
  const dir = mkdtempSync(join(tmpdir(), 'isosyncd-storage-'))
  t.after(() => rmSync(dir, { recursive: true, force: true }))
  return dir
}

/** Opens and closes it as a daemon does that stops clean; gives the replica id. */
function once(dir: string, said: string[] = []): string {
  using opened = openStorage(dir, needs(said))
  return opened.index.replica
}

/** All pages but the first: it opens, and only a check finds out. */
function damage(file: string): void {
  const bytes = readFileSync(file)
  bytes.fill(0xa5, 4096)
  writeFileSync(file, bytes)
}

test('an index that was closed clean and left alone is the same one at the next start', (t) => {
  const dir = storage(t)
  const replica = once(dir)
  assert.ok(existsSync(storageFiles(dir).mark))
  assert.equal(once(dir), replica)
  assert.deepEqual(setAsideOf(storageFiles(dir).index), [])
})

test('the mark counts once, and only for the very file that was closed', (t) => {
  const { index, mark } = storageFiles(storage(t))
  writeFileSync(index, 'one')
  assert.equal(takeCleanStop(mark, index), false, 'no mark')
  leaveCleanStop(mark, index)
  assert.equal(takeCleanStop(mark, index), true)
  assert.equal(takeCleanStop(mark, index), false, 'it was taken away')
  leaveCleanStop(mark, index)
  copyFileSync(index, `${index}.copy`)
  rmSync(index)
  copyFileSync(`${index}.copy`, index)
  assert.equal(takeCleanStop(mark, index), false, 'equal bytes, but another file')
})

for (const [name, harm] of [
  ['damaged after a clean stop', (_mark: string, file: string) => damage(file)],
  ['damaged before a crash', (mark: string, file: string) => (rmSync(mark), damage(file))],
  ['cut short', (_mark: string, file: string) => writeFileSync(file, readFileSync(file).subarray(0, 4096))],
  ['no database at all', (_mark: string, file: string) => writeFileSync(file, 'x'.repeat(10_000))],
] as const)
  test(`an index that is ${name} is kept under another name, and a new one is another author`, (t) => {
    const dir = storage(t)
    const { mark, index } = storageFiles(dir)
    const replica = once(dir)
    harm(mark, index)
    const bad = readFileSync(index)
    const said: string[] = []
    assert.notEqual(once(dir, said), replica)
    const [kept = ''] = setAsideOf(index)
    assert.equal(kept, `${index}.damaged-20261123T070000Z`)
    assert.ok(readFileSync(kept).equals(bad))
    assert.match(said.join(), /the index is damaged .*kept as .*nothing is deleted/)
  })

test('an index to be renewed goes with its identity only where it is a copy', (t) => {
  for (const [why, identities] of [['outdated', 0], ['copied', 1]] as const) {
    const dir = storage(t)
    const files = storageFiles(dir)
    writeFileSync(files.identity, 'seed')
    const replica = once(dir)
    {
      using opened = openStorage(dir, needs())
      opened.renewAtClose(why)
    }
    assert.deepEqual([existsSync(files.index), existsSync(files.identity)], [false, identities === 0])
    assert.equal(readdirSync(dir).filter((name) => name.startsWith('identity.key.copied-')).length, identities)
    assert.notEqual(once(dir), replica)
  }
}) // prettier-ignore

test('the last three that were set aside are kept, the newest first', (t) => {
  const { index } = storageFiles(storage(t))
  for (let day = 0; day < 5; day++) {
    writeFileSync(index, `${day}`)
    writeFileSync(`${index}-wal`, `${day}`)
    setAside(index, day % 2 === 0 ? 'damaged' : 'outdated', NOW + day * 86_400_000)
    assert.equal(existsSync(`${index}-wal`), false)
  }
  const kept = setAsideOf(index)
  assert.deepEqual(kept.map((file) => readFileSync(file, 'utf8')), ['4', '3', '2'])
  assert.deepEqual(kept.map((file) => readFileSync(`${file}-wal`, 'utf8')), ['4', '3', '2'])
}) // prettier-ignore

test('two that are set aside in one second are both kept', (t) => {
  const { index } = storageFiles(storage(t))
  for (const content of ['a', 'b']) {
    writeFileSync(index, content)
    setAside(index, 'damaged', NOW)
  }
  assert.deepEqual(setAsideOf(index).map((file) => readFileSync(file, 'utf8')).sort(), ['a', 'b'])
}) // prettier-ignore
