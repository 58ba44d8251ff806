/**
 * The hostile names handed to the real disk itself, past the validator that refuses them before: as path, as the other
 * path of a move, as a name in the archive and as the target of a link. Nothing outside of the root is touched or told.
 */
import assert from 'node:assert/strict'
import fs from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { type RelPath, type RootHash } from '../../src/base/brand.ts'
import { openDiskRoot } from '../../src/fs/disk-root.ts'
import { type Root } from '../../src/fs/root.ts'
import { type Stat } from '../../src/sync/entry.ts'
import { MAX_PATH_BYTES } from '../../src/sync/path.ts'
import { hostilePaths, ODD_BUT_GOOD } from './hostile-names.ts'

const CONTENT = 'ab'.repeat(32) as RootHash
const AWAY = { to: 'archive', nowMs: Date.UTC(2026, 0, 1) } as const
const SECRET = 'not for the pool'

interface Ground {
  readonly root: Root
  readonly pool: string
  /** Names, bytes, times and inodes of all that lies around the pool. */
  readonly around: () => string
}

/** A pool between things that a hostile path would reach: beside it, above it, and in its .sync. */
function ground(t: TestContext): Ground {
  const above = fs.mkdtempSync(join(tmpdir(), 'isosyncd-hostile-'))
  t.after(() => fs.rmSync(above, { recursive: true }))
  const pool = join(above, 'deep', 'pool')
  for (const dir of [join(pool, 'a/b'), join(pool, 'sub dir'), join(above, 'etc'), join(above, 'deep/etc')])
    fs.mkdirSync(dir, { recursive: true })
  for (const file of ['passwd', 'etc/passwd', 'deep/etc/passwd', 'deep/x', 'x'])
    fs.writeFileSync(join(above, file), SECRET)
  const root = openDiskRoot({ dir: pool, owner: null, group: null, fileMode: null, dirMode: null, minFreeBytes: 0 })
  const around = () => [...walk(above, pool), ...['/etc', '/dev', '/proc/self', '/'].map(lookAt)].join('\n')
  return { root, pool, around }
}

function* walk(dir: string, but: string): Generator<string> {
  for (const name of fs.readdirSync(dir).sort()) {
    const path = join(dir, name)
    if (path === but) continue
    yield lookAt(path)
    if (fs.lstatSync(path).isDirectory()) yield* walk(path, but)
    else yield fs.readFileSync(path, 'utf8')
  }
}

function lookAt(path: string): string {
  if (['/dev', '/proc/self', '/'].includes(path)) return `${path} ${fs.existsSync(path)}`
  const { ino, size, mtimeMs, ctimeMs } = fs.lstatSync(path)
  return [path, ino, size, path.endsWith('deep') ? '' : mtimeMs, path.endsWith('deep') ? '' : ctimeMs].join(' ')
}

/** Every operation that takes a path, once. Each must refuse; what a hostile one reads is not to be the secret. */
async function tryAll(root: Root, path: RelPath, good: Stat): Promise<readonly string[]> {
  const works: Readonly<Record<string, () => Promise<unknown>>> = {
    list: () => root.list(path),
    open: async () => {
      const file = await root.open(path)
      await file.close()
    },
    readLink: () => root.readLink(path),
    install: () => root.install(CONTENT, path, 0, null, AWAY),
    moveTo: () => root.move('good.iso' as RelPath, path, good, null),
    moveFrom: () => root.move(path, 'moved.iso' as RelPath, good, null),
    remove: () => root.remove(path, good, AWAY),
    makeDirectory: () => root.makeDirectory(path),
    removeDirectory: () => root.removeDirectory(path),
    makeLink: () => root.makeLink(path, 'good.iso', null, AWAY),
    setMtime: () => root.setMtime(path, 0, good),
    openArchived: async () => {
      const file = await root.openArchived(path)
      await file.close()
    },
    restore: () => root.restore('kept.20260101T120000Z', path),
    restoreFrom: () => root.restore(path, 'restored.iso' as RelPath),
    purgeArchived: () => root.purgeArchived(path),
  }
  const done: string[] = []
  for (const [name, work] of Object.entries(works))
    await work().then(
      () => done.push(name),
      () => {},
    )
  return done
}

test('over a thousand hostile paths reach nothing on a real disk, by whatever operation', async (t) => {
  const { root, pool, around } = ground(t)
  fs.writeFileSync(join(pool, 'good.iso'), 'good')
  const good = await root.stat('good.iso' as RelPath)
  assert.ok(good !== null)
  const staged = await root.openStaged(CONTENT)
  await staged.write(Buffer.from('staged'), 0)
  await staged.close()
  fs.mkdirSync(join(pool, '.sync/Archive'))
  fs.writeFileSync(join(pool, '.sync/Archive/kept.20260101T120000Z'), 'kept')
  const before = around()
  // The root itself is a directory: it may be listed, and nothing else may be done with it.
  // What is only too long as a whole does no harm on a disk, and what is no Unicode comes there as another, good name.
  const isHarmful = (path: string) => path.isWellFormed() && Buffer.byteLength(path) <= MAX_PATH_BYTES
  const paths = hostilePaths().filter((path) => path !== '' && isHarmful(path))
  assert.ok(paths.length > 1_000)
  for (const path of paths)
    assert.deepEqual(await tryAll(root, path as RelPath, good), [], JSON.stringify(path.slice(0, 60)))
  assert.equal(around(), before)
  assert.equal(fs.readFileSync(join(pool, 'good.iso'), 'utf8'), 'good')
  assert.equal(fs.readFileSync(join(pool, '.sync/Archive/kept.20260101T120000Z'), 'utf8'), 'kept')
  assert.deepEqual(fs.readdirSync(join(pool, '.sync/staging')), [CONTENT])
})

test('odd names that are names are installed, archived and restored byte for byte, and nothing beside them', async (t) => {
  const { root, pool, around } = ground(t)
  const before = around()
  for (const [i, name] of ODD_BUT_GOOD.entries()) {
    const path = name as RelPath
    const content = i.toString(16).padStart(64, '0') as RootHash
    const staged = await root.openStaged(content)
    await staged.write(Buffer.from(name), 0)
    await staged.close()
    const { stat } = await root.install(content, path, 0, null, AWAY)
    assert.equal(fs.readFileSync(join(pool, name), 'utf8'), name)
    const archived = await root.remove(path, stat, AWAY)
    assert.ok(archived !== null, name)
    await root.restore(archived.name, path)
    assert.equal(fs.readFileSync(join(pool, name), 'utf8'), name)
    await root.remove(path, (await root.stat(path)) ?? stat, { to: 'nowhere' })
  }
  assert.equal(around(), before)
})
