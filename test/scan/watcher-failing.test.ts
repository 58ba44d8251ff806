/** Watching on a disk of which a part gives I/O errors. */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { systemClock } from '../../src/base/clock.ts'
import { createWatcher } from '../../src/scan/watcher.ts'
import { FailingDisk } from '../e2e/failing-disk.ts'

test('directories that the disk does not give are told of, and a watcher that is made later watches them', async (t) => {
  const top = mkdtempSync(join(tmpdir(), 'isosyncd-watch-'))
  t.after(() => rmSync(top, { recursive: true }))
  const home = join(top, 'host')
  const dir = join(home, 'pool')
  using disk = FailingDisk.under({ home, dir, path: (...names) => join(dir, ...names) }, 4)
  if (disk === null) return t.skip('needs the right to mount loop devices')
  disk.fail()
  const trouble = Promise.withResolvers<string>()
  const hinted = new Map<string, PromiseWithResolvers<void>>(
    disk.directories.map((name) => [`${name}/new`, Promise.withResolvers<void>()]),
  )
  const watch = () =>
    createWatcher(
      { dir, metaDir: join(dir, '.sync') },
      {
        ignored: () => false,
        onHint: (path) => hinted.get(path)?.resolve(),
        onTrouble: trouble.resolve,
        clock: systemClock,
      },
    )
  const first = watch()
  assert.match(await trouble.promise, /watching for changes failed \(.*EIO.*tries to watch all again/)
  assert.equal(first.hasFailed, true)
  await first.close()

  disk.mend()
  const second = watch()
  await second.ready
  assert.equal(second.hasFailed, false)
  for (const name of disk.directories) writeFileSync(join(dir, name, 'new'), 'x')
  await Promise.all([...hinted.values()].map(({ promise }) => promise))
  await second.close()
})
