/** What only a real disk can show: links swapped in, odd names and kinds, owners, full disks, descriptors. */
import assert from 'node:assert/strict'
import { execFileSync, spawn } from 'node:child_process'
import fs from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, it } from 'node:test'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { type DiskRoot, openDiskRoot } from '../../src/fs/disk-root.ts'
import { Archive } from '../../src/fs/archive.ts'
import { DirHandle } from '../../src/fs/handles.ts'
import { type Look, lookOnThreads } from '../../src/fs/listing.ts'
import { type DiskRootOptions, Layout } from '../../src/fs/layout.ts'
import { replace } from '../../src/fs/publish.ts'
import { type Stat } from '../../src/sync/entry.ts'
import { content, fails, nowMs, p, readAll, stage, statOf, toArchive, toNowhere } from './root-compliance.ts'

/** Some of this needs root: skipped elsewhere with a word, but never where CI is to prove it. */
const isRoot = process.getuid?.() === 0
const needsRoot = { skip: isRoot || process.env['CI'] === 'true' ? false : 'needs root' }

let above: string
let dir: string
beforeEach(() => {
  above = fs.mkdtempSync(join(tmpdir(), 'isosyncd-disk-'))
  dir = join(above, 'pool')
  fs.mkdirSync(dir)
})
afterEach(() => fs.rmSync(above, { recursive: true, force: true }))

function open(more: Partial<DiskRootOptions> = {}): DiskRoot {
  return openDiskRoot({ dir, owner: null, group: null, fileMode: null, dirMode: null, minFreeBytes: 0, ...more })
}

function openDescriptors(): string[] {
  return fs.readdirSync('/proc/self/fd').flatMap((fd) => {
    try {
      return [fs.readlinkSync(`/proc/self/fd/${fd}`)].filter((to) => to.startsWith(above))
    } catch {
      return [] // the one that lists them
    }
  })
}

describe('DiskRoot, names and kinds', () => {
  it('lists names that are not UTF-8 as unusable, and the rest', async () => {
    fs.writeFileSync(Buffer.concat([Buffer.from(`${dir}/caf`), Buffer.from([0xe9]), Buffer.from('.iso')]), 'x')
    fs.writeFileSync(Buffer.concat([Buffer.from(`${dir}/`), Buffer.from([0xed, 0xa0, 0x80])]), 'a lone surrogate')
    fs.writeFileSync(`${dir}/café.iso`, 'x')
    const { children, unusable } = await open().list('')
    assert.deepEqual(
      children.map(({ name }) => name),
      ['café.iso'],
    )
    assert.deepEqual(unusable, [
      { shown: 'caf\\xe9.iso', reason: 'not-utf8' },
      { shown: '\\xed\\xa0\\x80', reason: 'not-utf8' },
    ])
  })

  it('looks at the rest of a large directory on threads with the same result', async () => {
    const names = Array.from({ length: 300 }, (_, i) => `${i}`)
    for (const name of names) fs.writeFileSync(join(dir, name), name)
    using handle = DirHandle.open(dir, '')
    const expected = names.map((name) => ({ stat: handle.lstat(name) }))
    for (const known of [0, 1, 250, 299]) {
      const looks: Look[] = expected.slice(0, known).map(({ stat }) => ({ stat: stat! }))
      await lookOnThreads(handle, names, looks)
      assert.deepEqual(looks, expected)
    }
    const gone: Look[] = []
    await lookOnThreads(handle, ['none'], gone)
    assert.deepEqual(gone, [null])
  })

  it('installs, archives and restores a name of 255 bytes', async () => {
    const name = p('n'.repeat(251) + '.iso')
    const root = open()
    await stage(root, content('a'), 'long')
    const { stat } = await root.install(content('a'), name, 0, null, toArchive)
    const gone = await root.remove(name, stat, toArchive)
    await root.restore(gone?.name ?? '', name)
    assert.equal(fs.readFileSync(join(dir, name), 'utf8'), 'long')
    await fails(root.stat(p('n'.repeat(256))), 'io')
  })

  it('does not take for its own what a user writes to a file that is in place, while that is being made safe', async (t) => {
    const root = open()
    const edit = (name: string) => fs.writeFileSync(join(dir, name), 'edited')
    const isSeen = async (stat: Stat, name: string) => assert.notDeepEqual(stat, await statOf(root, name), name)
    await stage(root, content('a'), 'image')
    await stage(root, content('b'), 'image')
    const { stat } = await root.install(content('b'), p('old.iso'), 0, null, toArchive)
    const sync = t.mock.method(DirHandle.prototype, 'sync', async () => edit('a.iso'))
    const installed = await root.install(content('a'), p('a.iso'), 0, null, toArchive)
    await isSeen(installed.stat, 'a.iso')
    sync.mock.mockImplementation(async () => edit('new.iso'))
    await isSeen(await root.move(p('old.iso'), p('new.iso'), stat, 7), 'new.iso')
    sync.mock.restore()
    const stamped = root.setMtime(p('new.iso'), 9, await statOf(root, 'new.iso'))
    edit('new.iso')
    await isSeen(await stamped, 'new.iso')
  })

  it('shows pipes and sockets as other, opens none and waits for none', async () => {
    execFileSync('mkfifo', [join(dir, 'pipe')])
    const root = open()
    const stat = await statOf(root, 'pipe')
    assert.equal(stat.kind, 'other')
    await fails(root.open(p('pipe')), 'changed')
    await fails(root.remove(p('pipe'), stat, toNowhere), 'changed')
    await stage(root, content('a'), 'x')
    await fails(root.install(content('a'), p('pipe'), 0, stat, toArchive), 'changed')
    assert.deepEqual((await root.list('')).children, [{ name: 'pipe', stat }])
  })

  it('gives mtimes to the microsecond, rounded down, also before 1970', async () => {
    fs.writeFileSync(join(dir, 'a'), 'x')
    const root = open()
    for (const us of [-1, -1_500_001, 0, 1_700_000_000_999_999]) {
      assert.equal((await root.setMtime(p('a'), us, await statOf(root, 'a'))).mtimeUs, us)
    }
    execFileSync('touch', ['-d', '1970-01-01T00:00:01.0000019Z', join(dir, 'a')])
    assert.equal((await statOf(root, 'a')).mtimeUs, 1_000_001)
    execFileSync('touch', ['-d', '1969-12-31T23:59:59.9999999Z', join(dir, 'a')])
    assert.equal((await statOf(root, 'a')).mtimeUs, -1)
  })

  it('writes, reads and installs beyond 4 GiB, and keeps holes as holes', async () => {
    const root = open()
    const size = 5 * 2 ** 30
    const staged = await root.openStaged(content('a'))
    await staged.truncate(size)
    await staged.write(Buffer.from('end'), size - 3)
    await staged.write(Buffer.from('4GiB'), 2 ** 32 - 2)
    await staged.close()
    const { stat } = await root.install(content('a'), p('big.iso'), 0, null, toArchive)
    assert.equal(stat.size, size)
    const file = await root.open(p('big.iso'))
    const into = Buffer.alloc(8)
    await file.read(into, 2 ** 32 - 4)
    assert.equal(into.toString('latin1'), '\0\x004GiB\0\0')
    assert.equal(await file.read(into, size - 3), 3)
    await file.close()
    assert.ok(fs.statSync(join(dir, 'big.iso')).blocks * 512 < 2 ** 20)
  })
})

describe('DiskRoot, links', () => {
  it("is opened through a link in the config: the root itself is the operator's choice", async () => {
    fs.symlinkSync(dir, join(above, 'link'))
    const root = open({ dir: join(above, 'link') })
    fs.writeFileSync(join(dir, 'a'), 'x')
    assert.equal((await root.list('')).children.length, 1)
  })

  for (const part of ['.sync', '.sync/staging', '.sync/Archive'])
    it(`does not follow a link in place of ${part}`, async () => {
      const outside = join(above, 'outside')
      fs.mkdirSync(outside)
      fs.mkdirSync(join(dir, part, '..'), { recursive: true })
      fs.symlinkSync(outside, join(dir, part))
      fs.writeFileSync(join(dir, 'a'), 'x')
      const root = open()
      if (part !== '.sync/Archive') await fails(root.openStaged(content('a')), 'link-in-the-way')
      if (part !== '.sync/staging')
        await fails(root.remove(p('a'), await statOf(root, 'a'), toArchive), 'link-in-the-way')
      assert.deepEqual(fs.readdirSync(outside), [])
    })

  it('does not follow a link in place of a staged file or the marker', async () => {
    const root = open()
    await stage(root, content('b'), 'x')
    fs.writeFileSync(join(above, 'outside'), 'outside')
    fs.symlinkSync(join(above, 'outside'), join(dir, '.sync/staging', content('a')))
    fs.symlinkSync(join(above, 'outside'), join(dir, '.sync/folder.json'))
    await fails(root.openStaged(content('a')), 'link-in-the-way')
    await fails(root.readMarker(), 'changed')
    await root.writeMarker({ folder: 'f', replica: 'r' })
    assert.equal(fs.readFileSync(join(above, 'outside'), 'utf8'), 'outside')
  })

  it('touches nothing outside while a directory is swapped for a link, again and again', async () => {
    const outside = join(above, 'outside')
    fs.mkdirSync(outside)
    fs.writeFileSync(join(outside, 'target'), 'outside')
    fs.mkdirSync(join(dir, 'sub'))
    fs.symlinkSync(outside, join(dir, 'swap'))
    const before = fs.statSync(join(outside, 'target'), { bigint: true })
    // In a process of its own, because it must come between two of our system calls.
    const swapper = spawn(process.execPath, ['--input-type=module', '-e', swapScript, dir], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    const stopped = new Promise((resolve) => swapper.once('close', resolve))
    await new Promise((resolve) => swapper.stdout.once('data', resolve))
    const root = open()
    const ended = { done: 0, refused: 0 }
    for (let i = 0; i < 300; i++) {
      await stage(root, content('a'), `${i}`)
      const work = async () => {
        const there = await root.stat(p('sub/target'))
        await root.install(content('a'), p('sub/target'), 0, there, toArchive)
      }
      await work().then(
        () => ended.done++,
        () => ended.refused++,
      )
    }
    swapper.kill()
    await stopped
    assert.ok(ended.done > 0 && ended.refused > 0, JSON.stringify(ended))
    assert.deepEqual(fs.readdirSync(outside), ['target'])
    assert.equal(fs.statSync(join(outside, 'target'), { bigint: true }).ctimeNs, before.ctimeNs)
    assert.equal(fs.readFileSync(join(outside, 'target'), 'utf8'), 'outside')
  })
})

const nativeModule = JSON.stringify(new URL('../../src/base/native-library.ts', import.meta.url).href)
/** Exchanges the directory and the link for each other, in one call each time (RENAME_EXCHANGE). */
const swapScript = `
import { declare } from ${nativeModule}
const rename = declare('int renameat2(int a, const char *from, int b, const char *to, unsigned int flags)')()
const [sub, swap] = ['sub', 'swap'].map((name) => process.argv[1] + '/' + name)
console.log('swapping')
for (;;) rename(-100, sub, -100, swap, 2)`

describe('DiskRoot, races with a user', () => {
  it('puts back what a user saved in the last moment before it would have been archived', async () => {
    const path = join(dir, 'a.iso')
    fs.writeFileSync(path, 'old')
    const root = open()
    const before = await statOf(root, 'a.iso')
    await stage(root, content('a'), 'new')
    // Between our look and our rename there are only microseconds: the rename here is told to find another file.
    const fresh = join(dir, 'fresh')
    fs.writeFileSync(fresh, 'of the user')
    const work = root.remove(p('a.iso'), before, toArchive)
    fs.renameSync(fresh, path)
    await fails(work, 'changed')
    assert.equal(fs.readFileSync(path, 'utf8'), 'of the user')
    assert.deepEqual(await root.listArchive(), [])
  })
})

describe('DiskRoot, an install that fails half-way', () => {
  it('puts the old file back when the new one cannot take its place', async () => {
    fs.mkdirSync(join(dir, 'sub'))
    fs.writeFileSync(join(dir, 'sub/a.iso'), 'old')
    const root = open()
    const expected = await statOf(root, 'sub/a.iso')
    const layout = new Layout({ dir, owner: null, group: null, fileMode: null, dirMode: null, minFreeBytes: 0 })
    using place = layout.place(p('sub/a.iso'))
    using staging = await layout.makeStaging()
    const nothing = { dir: staging, name: 'nothing' }
    const work = replace(new Archive(layout), nothing, place, p('sub/a.iso'), { expected, old: toArchive })
    await fails(work, 'missing')
    assert.equal((await statOf(root, 'sub/a.iso')).inode, expected.inode)
    assert.deepEqual(await root.listArchive(), [])
  })

  it('refuses paths that nobody may have let through', async () => {
    const root = open()
    for (const path of ['../x', 'a/../../x', '/etc/passwd', 'a//b', './a', 'a/', 'nul\0'])
      await assert.rejects(root.stat(p(path)), /unsafe path/, path)
    for (const name of ['../folder.json', '../staging/x', '/etc/passwd', ''])
      await fails(root.openArchived(name), 'missing')
  })
})

describe('DiskRoot, owner and mode', () => {
  it('gives files and directories the modes of the config, whatever the umask', async () => {
    const root = open({ fileMode: 0o644, dirMode: 0o2775 })
    const umask = process.umask(0o077)
    try {
      await stage(root, content('a'), 'x')
      await root.install(content('a'), p('one/two/a'), 0, null, toArchive)
    } finally {
      process.umask(umask)
    }
    const mode = (path: string) => fs.statSync(join(dir, path)).mode & 0o7777
    assert.deepEqual([mode('one'), mode('one/two'), mode('one/two/a')], [0o2775, 0o2775, 0o644])
  })

  it('lets nobody else look into staging', async () => {
    await stage(open(), content('a'), 'x')
    assert.equal(fs.statSync(join(dir, '.sync/staging')).mode & 0o777, 0o700)
  })

  it('leaves modes to the umask where the config says nothing', async () => {
    const root = open()
    await stage(root, content('a'), 'x')
    await root.install(content('a'), p('a'), 0, null, toArchive)
    assert.equal(fs.statSync(join(dir, 'a')).mode & 0o777, 0o666 & ~process.umask())
  })

  it('gives files, directories and links their owner', needsRoot, async () => {
    const root = open({ owner: 36, group: 36, fileMode: 0o644 })
    await stage(root, content('a'), 'x')
    const { stat } = await root.install(content('a'), p('iso/a.iso'), 0, null, toArchive)
    await root.makeLink(p('iso/current.iso'), 'a.iso', null, toArchive)
    await root.remove(p('iso/a.iso'), stat, toArchive)
    await root.restore('iso/a.iso.20260101T120000Z', p('b.iso'))
    for (const path of ['iso', 'iso/current.iso', 'b.iso', '.sync/Archive']) {
      const { uid, gid } = fs.lstatSync(join(dir, path))
      assert.deepEqual([uid, gid], [36, 36], path)
    }
  })

  it('says denied where it may not read or write, to an ordinary user', needsRoot, () => {
    fs.writeFileSync(join(dir, 'secret'), 'x', { mode: 0o600 })
    fs.mkdirSync(join(dir, 'closed'), { mode: 0o700 })
    fs.chmodSync(above, 0o755)
    const imports = ['../../src/fs/disk-root.ts'].map((path) => JSON.stringify(new URL(path, import.meta.url).href))
    const script = `import { openDiskRoot } from ${imports[0]}
      process.setgroups([]); process.setgid(65534); process.setuid(65534)
      const root = openDiskRoot({ dir: ${JSON.stringify(dir)}, owner: null, group: null, fileMode: null, dirMode: null, minFreeBytes: 0 })
      const codes = []
      for (const work of [() => root.open('secret'), () => root.stat('closed/x'), () => root.list('closed'),
        () => root.makeDirectory('new'), () => root.openStaged('${content('a')}')])
        await work().then(() => codes.push('done'), (e) => codes.push(e.code))
      console.log(codes.join())`
    const said = execFileSync(process.execPath, ['--input-type=module', '-e', script], { encoding: 'utf8' })
    assert.equal(said.trim(), 'denied,denied,denied,denied,denied')
  })
})

describe('DiskRoot, the archive', () => {
  it('removes its directories with their last file, and not before', async () => {
    const root = open()
    const names: string[] = []
    for (const path of ['one/two/a', 'one/b']) {
      await stage(root, content('a'), 'x')
      const { stat } = await root.install(content('a'), p(path), 0, null, toArchive)
      names.push((await root.remove(p(path), stat, toArchive))?.name ?? '')
    }
    await root.purgeArchived(names[0] ?? '')
    assert.deepEqual(fs.readdirSync(join(dir, '.sync/Archive/one')), ['b.20260101T120000Z'])
    await root.restore(names[1] ?? '', p('b'))
    assert.deepEqual(fs.readdirSync(join(dir, '.sync/Archive')), [])
  })
})

describe('DiskRoot, meta_dir', () => {
  it('makes nothing when it is opened', () => {
    open()
    open({ metaDir: join(above, 'meta') })
    assert.deepEqual([fs.readdirSync(above), fs.readdirSync(dir)], [['pool'], []])
  })

  it('leaves nothing of its own in the tree when it is elsewhere', async () => {
    const root = open({ metaDir: join(above, 'meta') })
    await root.writeMarker({ folder: 'f', replica: 'r' })
    await stage(root, content('a'), 'x')
    const { stat } = await root.install(content('a'), p('a'), 0, null, toArchive)
    await root.remove(p('a'), stat, toArchive)
    assert.deepEqual(fs.readdirSync(dir), [])
    assert.deepEqual(fs.readdirSync(join(above, 'meta')).sort(), ['Archive', 'folder.json', 'staging'])
  })

  it('is hidden under any name inside the root', async () => {
    const root = open({ metaDir: join(dir, 'var', 'meta') })
    await root.writeMarker({ folder: 'f', replica: 'r' })
    assert.deepEqual((await root.list(p('var'))).children, [])
    await fails(root.stat(p('var/meta/folder.json')), 'denied')
  })

  it('is refused when it is the folder itself', () => {
    assert.throws(() => open({ metaDir: dir }).assertUsable(), /cannot be the folder itself/)
  })

  it('is refused on another filesystem, in plain words', needsRoot, () =>
    withMount(['-t', 'tmpfs', 'none'], (mount) => {
      assert.throws(
        () => open({ metaDir: join(mount, 'not', 'yet') }).assertUsable(),
        /another filesystem or mount than .*set meta_dir/,
      )
    }),
  )

  it('is refused behind a bind mount of the same filesystem, which no rename crosses', needsRoot, () => {
    fs.mkdirSync(join(above, 'meta'))
    return withMount(['--bind', join(above, 'meta')], (mount) => {
      assert.throws(() => open({ metaDir: mount }).assertUsable(), /another filesystem or mount/)
    })
  })

  it('says what is wrong with a root that is not there, and a marker that is damaged', async () => {
    for (const metaDir of [{}, { metaDir: join(above, 'meta') }]) {
      const root = open({ dir: join(above, 'none'), ...metaDir })
      assert.throws(() => root.assertUsable(), { name: 'FsError', code: 'missing' })
      await fails(root.readMarker(), 'missing')
    }
    assert.deepEqual(fs.readdirSync(above), ['pool'])
    fs.mkdirSync(join(dir, '.sync'))
    for (const text of ['', '{', 'null', '{"folder":1}']) {
      fs.writeFileSync(join(dir, '.sync/folder.json'), text)
      await fails(open().readMarker(), 'io')
    }
  })
})

describe('DiskRoot, what a crash left in staging', () => {
  it('is removed where it is a link, and nothing else is: a content is for the next transfer', async () => {
    const root = open()
    await stage(root, content('a'), 'x')
    const staging = join(dir, '.sync/staging')
    fs.symlinkSync('debian-12.iso', join(staging, 'link-00000000-0000-4000-8000-000000000000'))
    fs.symlinkSync('../../target', join(staging, 'link-left'))
    fs.writeFileSync(join(staging, 'notes-of-somebody'), 'x')
    const making = Array.from({ length: 20 }, (_, i) => root.makeLink(p(`l${i}`), 'debian-12.iso', null, toNowhere))
    await Promise.all([...making, root.dropLeftovers(), root.dropLeftovers()])
    assert.deepEqual(fs.readdirSync(staging).sort(), [content('a'), 'notes-of-somebody'])
    assert.equal(fs.readdirSync(dir).filter((name) => name.startsWith('l')).length, 20)
    await root.dropLeftovers()
  })
})

describe('DiskRoot, a full disk', () => {
  const small = ['-t', 'tmpfs', '-o', 'size=1m', 'none']

  it('says no-space, leaves what is there as it is, and goes on when there is room', needsRoot, () =>
    withMount(small, async (mount) => {
      const root = open({ dir: mount })
      fs.writeFileSync(join(mount, 'a.iso'), 'old')
      const staged = await root.openStaged(content('a'))
      await staged.write(Buffer.alloc(600_000, 1), 0)
      await fails(staged.write(Buffer.alloc(600_000, 2), 600_000), 'no-space')
      assert.equal(fs.readFileSync(join(mount, 'a.iso'), 'utf8'), 'old')
      await staged.close()
      await root.dropStaged(content('a'))
      await stage(root, content('a'), 'new')
      await root.install(content('a'), p('a.iso'), 0, await statOf(root, 'a.iso'), toArchive)
      assert.equal(fs.readFileSync(join(mount, 'a.iso'), 'utf8'), 'new')
    }),
  )

  it('does not make the old file vanish when there is no inode left for its place in the archive', needsRoot, () =>
    withMount(['-t', 'tmpfs', '-o', 'nr_inodes=8', 'none'], async (mount) => {
      const root = open({ dir: mount })
      await stage(root, content('a'), 'new')
      fs.mkdirSync(join(mount, 'd'))
      fs.writeFileSync(join(mount, 'd/a.iso'), 'old')
      const before = await statOf(root, 'd/a.iso')
      fillInodes(mount)
      await fails(root.install(content('a'), p('d/a.iso'), 0, before, toArchive), 'no-space')
      assert.deepEqual(await root.stat(p('d/a.iso')), before)
      fs.rmSync(join(mount, 'fill'), { recursive: true })
      await root.install(content('a'), p('d/a.iso'), 0, before, toArchive)
      assert.equal(fs.readFileSync(join(mount, 'd/a.iso'), 'utf8'), 'new')
    }),
  )

  it('keeps what is to stay free out of what may be written', needsRoot, () =>
    withMount(small, async (mount) => {
      assert.equal(await open({ dir: mount }).freeBytes(), 2 ** 20)
      assert.equal(await open({ dir: mount, minFreeBytes: 2 ** 19 }).freeBytes(), 2 ** 19)
      assert.equal(await open({ dir: mount, minFreeBytes: 2 ** 21 }).freeBytes(), 0)
    }),
  )

  it('says read-only on a filesystem that cannot be written', needsRoot, () =>
    withMount(['-t', 'tmpfs', '-o', 'ro', 'none'], async (mount) => {
      const root = open({ dir: mount })
      await fails(root.makeDirectory(p('a')), 'read-only')
      await fails(root.openStaged(content('a')), 'read-only')
    }),
  )
})

describe('DiskRoot, descriptors', () => {
  it('leaves none open, whether its work is done or fails', async () => {
    const root = open()
    fs.writeFileSync(join(dir, 'a'), 'x')
    fs.symlinkSync('a', join(dir, 'link'))
    fs.mkdirSync(join(dir, 'sub'))
    const stat = await statOf(root, 'a')
    const ignored = () => {}
    for (let i = 0; i < 5; i++) {
      await stage(root, content('a'), `${i}`)
      await root.install(content('a'), p('sub/b'), 0, await root.stat(p('sub/b')), toArchive)
      await stage(root, content('a'), 'x')
      await root.install(content('a'), p('link/x/y'), 0, null, toArchive).catch(ignored)
      await root.install(content('a'), p('a'), 0, null, toArchive).catch(ignored)
      await root.install(content('b'), p('c'), 0, null, toArchive).catch(ignored)
      for (const path of ['none', 'none/x', 'a/x', 'link/x', 'sub/b', '.sync']) {
        await root.stat(p(path)).catch(ignored)
        await root.list(p(path)).catch(ignored)
        await root.readLink(p(path)).catch(ignored)
        await root.open(p(path)).then((file) => file.close(), ignored)
        await root.removeDirectory(p(path)).catch(ignored)
        await root.remove(p(path), stat, { to: 'archive', nowMs }).catch(ignored)
        await root.move(p(path), p('a'), stat, 0).catch(ignored)
        await root.setMtime(p(path), 0, stat).catch(ignored)
        await root.makeLink(p(path), 'x', stat, toArchive).catch(ignored)
      }
      for (const { name } of await root.listArchive()) {
        await root.openArchived(name).then((file) => file.close())
        await root.restore(name, p('a')).catch(ignored)
        await root.purgeArchived(name)
        await root.purgeArchived(name).catch(ignored)
      }
      await root.readMarker()
      await root.readIgnoreList('x')
    }
    assert.deepEqual(openDescriptors(), [])
  })

  it('closes a file only when what is under way on it is done', async () => {
    const root = open()
    const staged = await root.openStaged(content('a'))
    const writes = Array.from({ length: 50 }, (_, i) => staged.write(Buffer.alloc(1000, i), i * 1000))
    const closed = staged.close()
    assert.throws(() => staged.fd, /after it was closed/)
    await assert.rejects(staged.write(Buffer.alloc(1), 0), /after it was closed/)
    await Promise.all([...writes, closed, staged.close()])
    assert.equal((await readAll(await root.openStaged(content('a')))).length, 50_000)
    await nextTurn() // directories are shared until then
    assert.deepEqual(openDescriptors(), [])
  })
})

async function withMount(what: readonly string[], use: (mount: string) => Promise<void> | void): Promise<void> {
  const mount = join(above, 'mount')
  fs.mkdirSync(mount)
  execFileSync('mount', [...what, mount])
  try {
    await use(mount)
  } finally {
    execFileSync('umount', ['-l', mount])
  }
}

function fillInodes(mount: string): void {
  fs.mkdirSync(join(mount, 'fill'))
  try {
    for (let i = 0; ; i++) fs.writeFileSync(join(mount, 'fill', `${i}`), '')
  } catch {
    // full
  }
}
