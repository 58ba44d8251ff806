import assert from 'node:assert/strict'
import { EventEmitter, once } from 'node:events'
import {
  appendFileSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, readlinkSync, realpathSync, renameSync, rmSync,
  symlinkSync, writeFileSync,
} from 'node:fs' // prettier-ignore
import promises from 'node:fs/promises'
import { syncBuiltinESMExports } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { suite, test, type TestContext } from 'node:test'
import { systemClock } from '../../src/base/clock.ts'
import { compileIgnoreList } from '../../src/scan/ignore-list.ts'
import { createWatcher, type Watcher } from '../../src/scan/watcher.ts'
import { networkFilesystem } from '../../src/scan/watched-filesystem.ts'

class Watched {
  readonly base = mkdtempSync(join(tmpdir(), 'isosyncd-watch-'))
  readonly dir = join(this.base, 'pool')
  readonly outside = join(this.base, 'outside')
  readonly hints: string[] = []
  readonly troubles: string[] = []
  readonly watcher: Watcher
  readonly #events = new EventEmitter()

  constructor(things: readonly string[], metaDir: string) {
    mkdirSync(this.outside)
    mkdirSync(this.dir)
    for (const at of things) mkdirSync(join(this.dir, at), { recursive: true })
    const { ignored } = compileIgnoreList('*.part\nignored')
    this.watcher = createWatcher(
      { dir: this.dir, metaDir: join(this.dir, metaDir) },
      {
        ignored,
        onHint: (path) => {
          this.hints.push(path)
          this.#events.emit('hint')
        },
        onTrouble: (text) => {
          this.troubles.push(text)
          this.#events.emit('trouble')
        },
        clock: systemClock,
      },
    )
  }

  at(path: string): string {
    return join(this.dir, path)
  }

  /** Waits until there is a hint of `path`, since the beginning or since `after` hints. */
  async hinted(path: string, after = 0): Promise<void> {
    while (!this.hints.includes(path, after)) await once(this.#events, 'hint', { signal: AbortSignal.timeout(20_000) })
  }

  async troubled(): Promise<void> {
    while (this.troubles.length === 0) await once(this.#events, 'trouble', { signal: AbortSignal.timeout(20_000) })
  }
}

async function watch(t: TestContext, things: readonly string[] = [], metaDir = '.sync'): Promise<Watched> {
  const watched = new Watched(things, metaDir)
  t.after(async () => {
    await watched.watcher.close()
    rmSync(watched.base, { recursive: true, force: true })
  })
  await watched.watcher.ready
  return watched
}

/** The watches of this process. */
function inotifyWatches(): number {
  const fds = readdirSync('/proc/self/fd').filter((fd) => linkOf(fd) === 'anon_inode:inotify')
  return fds.reduce((sum, fd) => {
    return sum + (readFileSync(`/proc/self/fdinfo/${fd}`, 'utf8').match(/^inotify wd:/gm)?.length ?? 0)
  }, 0)
}

function linkOf(fd: string): string {
  try {
    return readlinkSync(`/proc/self/fd/${fd}`)
  } catch {
    return ''
  }
}

suite('a hint comes of', () => {
  test('a file that is renamed into the tree, and of one renamed out of it', async (t) => {
    const watched = await watch(t, ['d'])
    writeFileSync(join(watched.outside, 'x'), 'x')
    renameSync(join(watched.outside, 'x'), watched.at('d/a.iso'))
    await watched.hinted('d/a.iso')
    const before = watched.hints.length
    renameSync(watched.at('d/a.iso'), join(watched.outside, 'x'))
    await watched.hinted('d/a.iso', before)
  })

  test('a file that is written slowly, again and again while it grows', async (t) => {
    const watched = await watch(t)
    for (let part = 0; part < 3; part++) {
      const before = watched.hints.length
      appendFileSync(watched.at('slow.iso'), 'part')
      await watched.hinted('slow.iso', before)
    }
  })

  test('a file that is deleted, and a directory that is', async (t) => {
    const watched = await watch(t, ['d'])
    writeFileSync(watched.at('d/a'), '')
    await watched.hinted('d/a')
    const before = watched.hints.length
    rmSync(watched.at('d'), { recursive: true })
    await watched.hinted('d/a', before)
    await watched.hinted('d', before)
  })

  test('a directory that is moved in with content, and then of what changes in it', async (t) => {
    const watched = await watch(t)
    mkdirSync(join(watched.outside, 'm', 'deep'), { recursive: true })
    writeFileSync(join(watched.outside, 'm', 'deep', 'a'), '')
    renameSync(join(watched.outside, 'm'), watched.at('m'))
    await watched.hinted('m')
    await watched.hinted('m/deep')
    const before = watched.hints.length
    writeFileSync(watched.at('m/deep/b'), '')
    // Or of the directory once more, where its watch did not stand yet.
    await Promise.any([watched.hinted('m/deep/b', before), watched.hinted('m/deep', before)])
  })

  test('a new directory again when its watch stands, for what was put into it before', async (t) => {
    const watched = await watch(t)
    const [reading, written] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
    const { readdir } = promises
    const mocked = t.mock.method(promises, 'readdir', async (...args: Parameters<typeof readdir>) => {
      const found = await readdir(...args)
      if (args[0] !== realpathSync(watched.dir) + '/d') return found
      reading.resolve()
      await written.promise
      return found
    })
    syncBuiltinESMExports()
    t.after(() => {
      mocked.mock.restore()
      syncBuiltinESMExports()
    })
    mkdirSync(watched.at('d'))
    await Promise.all([reading.promise, watched.hinted('d')])
    writeFileSync(watched.at('d/f'), 'before the watch')
    const before = watched.hints.length
    written.resolve()
    await watched.hinted('d', before)
  })

  test('a new link, and a link that points elsewhere', async (t) => {
    const watched = await watch(t)
    symlinkSync('a', watched.at('l'))
    await watched.hinted('l')
    const before = watched.hints.length
    symlinkSync('b', join(watched.outside, 'l'))
    renameSync(join(watched.outside, 'l'), watched.at('l'))
    await watched.hinted('l', before)
  })

  test('names with dots, blanks and other scripts', async (t) => {
    const watched = await watch(t)
    const names = ['.hidden', ' a b ', '映像.iso', 'e\u0301.iso', '__proto__', 'x.swp', '.#lock', '4913']
    for (const name of names) writeFileSync(watched.at(name), '')
    for (const name of names) await watched.hinted(name)
  })

  test('a tree whose root is reached through a link', async (t) => {
    const watched = await watch(t)
    const link = join(watched.base, 'link')
    symlinkSync(watched.dir, link)
    const hints: string[] = []
    const got = new EventEmitter()
    const watcher = createWatcher(
      { dir: link, metaDir: join(link, '.sync') },
      {
        ignored: () => false,
        onHint: (path) => got.emit('hint', hints.push(path)),
        onTrouble: assert.fail,
        clock: systemClock,
      },
    )
    t.after(() => watcher.close())
    await watcher.ready
    const hint = once(got, 'hint')
    writeFileSync(watched.at('a'), '')
    await hint
    assert.deepEqual(hints, ['a'])
  })
})

test('a burst of events of one path is one hint', async (t) => {
  const watched = await watch(t)
  for (let i = 0; i < 100; i++) appendFileSync(watched.at('a'), 'x')
  writeFileSync(watched.at('b'), '')
  await watched.hinted('b')
  assert.deepEqual(watched.hints, ['a', 'b'])
})

test('nothing comes from .sync, another meta directory or what is ignored', async (t) => {
  const watched = await watch(t, ['.sync/staging', 'meta/staging', 'ignored/deep', 'd'], 'meta')
  for (const at of ['.sync/staging/x', '.sync/y', 'meta/staging/x', 'ignored/deep/x', 'd/a.part', 'ignored/y']) {
    writeFileSync(watched.at(at), '')
  }
  writeFileSync(watched.at('d/last'), '')
  await watched.hinted('d/last')
  assert.deepEqual(watched.hints, ['d/last'])
})

test('2,000 files in 20 directories cost a watch for each directory', async (t) => {
  const before = inotifyWatches()
  const base = mkdtempSync(join(realpathSync(tmpdir()), 'isosyncd-watches-'))
  for (let i = 0; i < 2_000; i++) {
    mkdirSync(join(base, `d${i % 20}`), { recursive: true })
    writeFileSync(join(base, `d${i % 20}`, `f${i}`), '')
  }
  const hinted = new EventEmitter()
  const watcher = createWatcher(
    { dir: base, metaDir: join(base, '.sync') },
    { ignored: () => false, onHint: (path) => hinted.emit(path), onTrouble: assert.fail, clock: systemClock },
  )
  t.after(async () => {
    await watcher.close()
    rmSync(base, { recursive: true })
  })
  await watcher.ready
  assert.equal(inotifyWatches() - before, 21)
  const hint = once(hinted, 'd7/f7')
  appendFileSync(join(base, 'd7', 'f7'), 'x')
  await hint
  assert.equal(inotifyWatches() - before, 21)
  await watcher.close()
  assert.equal(inotifyWatches() - before, 0)
})

test('a root that is not there is no crash', async (t) => {
  const base = mkdtempSync(join(tmpdir(), 'isosyncd-watch-'))
  t.after(() => rmSync(base, { recursive: true }))
  const watcher = createWatcher(
    { dir: join(base, 'none'), metaDir: join(base, 'none', '.sync') },
    { ignored: () => false, onHint: () => {}, onTrouble: () => {}, clock: systemClock },
  )
  await watcher.close()
})

test('a root that goes away is said', async (t) => {
  const watched = await watch(t, ['d'])
  rmSync(watched.dir, { recursive: true })
  await watched.troubled()
  assert.match(watched.troubles[0] ?? '', /no longer there/)
})

test('filesystems that other machines change are told from local ones', () => {
  assert.equal(networkFilesystem(0x6969), 'NFS')
  assert.equal(networkFilesystem(0x65735546), 'FUSE')
  assert.equal(networkFilesystem(0xff534d42), 'CIFS')
  assert.equal(networkFilesystem(0xff534d42 | 0), 'CIFS', 'as a signed number')
  assert.equal(networkFilesystem(0xef53), null, 'ext4')
  assert.equal(networkFilesystem(0x01021994), null, 'tmpfs')
})
