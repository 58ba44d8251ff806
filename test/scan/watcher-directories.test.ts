import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { type DirectoryEntry, subdirectories } from '../../src/scan/watcher-directories.ts'

const top = mkdtempSync(join(tmpdir(), 'isosyncd-subdirectories-'))
after(() => rmSync(top, { recursive: true }))
for (const name of ['one', 'two', 'unwanted']) mkdirSync(join(top, name))
writeFileSync(join(top, 'file'), '')
symlinkSync('one', join(top, 'link'))

async function namesIn(directory: string, isWanted: (entry: DirectoryEntry) => boolean): Promise<string[]> {
  const names: string[] = []
  for await (const { basename } of subdirectories(directory, isWanted)) names.push(basename)
  return names.sort()
}

test('only directories are told of, and nobody is asked about anything else', async () => {
  const asked: string[] = []
  const isWanted = ({ basename, stats }: DirectoryEntry) => {
    asked.push(basename)
    assert.ok(stats.isDirectory())
    return basename !== 'unwanted'
  }
  assert.deepEqual(await namesIn(top, isWanted), ['one', 'two'])
  assert.deepEqual(asked.sort(), ['one', 'two', 'unwanted'])
})

test('there is nothing in what has gone, or is no directory', async () => {
  assert.deepEqual(await namesIn(join(top, 'gone'), () => true), [])
  assert.deepEqual(await namesIn(join(top, 'file'), () => true), [])
})
