import assert from 'node:assert/strict'
import { once } from 'node:events'
import {
  appendFileSync,
  mkdirSync,
  mkdtempSync,
  realpathSync,
  renameSync,
  rmSync,
  type Stats,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { CalmChokidar } from '../../src/scan/watcher-chokidar.ts'

/** A watcher that counts how often it reads a directory. */
class Counted extends CalmChokidar {
  readonly dir: string
  readonly watched: string[]
  reads = 0

  constructor(dir: string) {
    const watched: string[] = []
    const options = {
      ignored: (_path: string, stats?: Stats) => stats !== undefined && !stats.isDirectory(),
      ignoreInitial: true,
      followSymlinks: false,
      atomic: false,
    }
    super(options, (directory) => watched.push(directory))
    this.watched = watched
    this.dir = dir
    this.add(dir)
  }

  override _readdirp(...args: Parameters<CalmChokidar['_readdirp']>): ReturnType<CalmChokidar['_readdirp']> {
    this.reads++
    return super._readdirp(...args)
  }

  /** Does `work` and waits for the event of a path that it causes. */
  async raw(path: string, work: () => void): Promise<void> {
    const came = new Promise<void>((resolve) => {
      const listen = (_event: string, name: unknown, details: unknown) => {
        const { watchedPath } = details as { watchedPath: string }
        if (join(watchedPath, String(name)) !== join(this.dir, path)) return
        this.off('raw', listen)
        resolve()
      }
      this.on('raw', listen)
    })
    work()
    await came
  }
}

async function watch(t: TestContext, ...dirs: string[]): Promise<Counted> {
  const base = mkdtempSync(join(realpathSync(tmpdir()), 'isosyncd-calm-'))
  for (const dir of dirs) mkdirSync(join(base, dir), { recursive: true })
  const watcher = new Counted(base)
  t.after(async () => {
    await watcher.close()
    rmSync(base, { recursive: true })
  })
  await once(watcher, 'ready')
  return watcher
}

test('a directory is not read again when files in it come, grow and go', { timeout: 30_000 }, async (t) => {
  const watcher = await watch(t, 'd')
  assert.deepEqual(watcher.watched.toSorted(), [watcher.dir, join(watcher.dir, 'd')])
  const before = watcher.reads
  const file = join(watcher.dir, 'd', 'f')
  await watcher.raw('d/f', () => writeFileSync(file, ''))
  for (let i = 0; i < 20; i++) await watcher.raw('d/f', () => appendFileSync(file, 'x'))
  await watcher.raw('d/f', () => rmSync(file))
  assert.equal(watcher.reads, before)
})

test('a new directory is watched, and what is new in that', { timeout: 30_000 }, async (t) => {
  const watcher = await watch(t)
  const added = once(watcher, 'addDir')
  mkdirSync(join(watcher.dir, 'd'))
  assert.equal((await added)[0], join(watcher.dir, 'd'))
  const deeper = once(watcher, 'addDir')
  mkdirSync(join(watcher.dir, 'd', 'e'))
  watcher.reread(join(watcher.dir, 'd')) // it may have come before the watch of d stood
  assert.equal((await deeper)[0], join(watcher.dir, 'd', 'e'))
})

test('a directory put in the place of another is watched instead of it', { timeout: 30_000 }, async (t) => {
  const watcher = await watch(t, 'd/inner', 'other/inner')
  const again = new Promise<void>((resolve) => {
    watcher.on('addDir', (path) => path === join(watcher.dir, 'd', 'inner') && setImmediate(resolve))
  })
  renameSync(join(watcher.dir, 'd'), join(watcher.dir, 'old'))
  renameSync(join(watcher.dir, 'other'), join(watcher.dir, 'd'))
  await again
  await watcher.raw('d/f', () => writeFileSync(join(watcher.dir, 'd', 'f'), ''))
  await watcher.raw('old/f', () => writeFileSync(join(watcher.dir, 'old', 'f'), ''))
})
