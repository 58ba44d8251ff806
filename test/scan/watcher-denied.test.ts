/** A directory that may not be read, and may be later. Not as root, who may read all. */
import assert from 'node:assert/strict'
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { systemClock } from '../../src/base/clock.ts'
import { createWatcher } from '../../src/scan/watcher.ts'

const NOBODY = 65_534
if (process.getuid?.() === 0) process.seteuid?.(NOBODY)

const dir = mkdtempSync(join(tmpdir(), 'isosyncd-denied-'))
after(() => rmSync(dir, { recursive: true, force: true }))

test('a directory that was closed at the start is watched, with all below it, when it is opened', async () => {
  const closed = join(dir, 'closed')
  mkdirSync(join(closed, 'sub'), { recursive: true })
  chmodSync(closed, 0)
  assert.throws(() => readdirSync(closed), /EACCES/)
  const hinted = new Map(
    ['closed/sub', 'closed/new', 'closed/sub/new'].map((path) => [path, Promise.withResolvers<void>()]),
  )
  const watcher = createWatcher(
    { dir, metaDir: join(dir, '.sync') },
    {
      ignored: () => false,
      onHint: (path) => hinted.get(path)?.resolve(),
      onTrouble: (text) => assert.fail(text),
      clock: systemClock,
    },
  )
  await watcher.ready
  chmodSync(closed, 0o755)
  await hinted.get('closed/sub')?.promise
  // The watch of a directory stands a moment after it was told of: written until the event is there.
  const writing = setInterval(() => {
    for (const name of ['new', 'sub/new']) writeFileSync(join(closed, name), 'x')
  }, 50)
  await Promise.all([...hinted.values()].map(({ promise }) => promise))
  clearInterval(writing)
  await watcher.close()
})
