/** What every Root must do, run on the real one and on the fake (disk-root.test.ts, memory-root.test.ts). */
import assert from 'node:assert/strict'
import { afterEach, beforeEach, describe, it } from 'node:test'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { type DirPath, type RelPath, type RootHash } from '../../src/base/brand.ts'
import { type FsErrorCode, FsError, type OldFile, type OpenFile, type Root } from '../../src/fs/root.ts'
import { sameStat, type Stat } from '../../src/sync/entry.ts'

/** A root on an empty folder, and the hands of a user in it. */
export interface Harness {
  readonly root: Root
  readonly user: {
    write(path: string, content: string): void
    makeDirectory(path: string): void
    link(path: string, target: string): void
    delete(path: string): void
    rename(from: string, to: string): void
    read(path: string): string | null
  }
  /** Puts an empty disk in the place of this one, and back. */
  exchange(): void
  close(): void
}

export const p = (path: string) => path as RelPath
export const content = (digit: string) => digit.repeat(64) as RootHash
export const nowMs = Date.UTC(2026, 0, 1, 12)
export const toArchive: OldFile = { to: 'archive', nowMs }
export const toNowhere: OldFile = { to: 'nowhere' }
const mtimeUs = 1_700_000_000_123_457

export async function stage(root: Root, hash: RootHash, text: string): Promise<void> {
  const staged = await root.openStaged(hash)
  await staged.truncate(Buffer.byteLength(text))
  await staged.write(Buffer.from(text), 0)
  await staged.sync()
  await staged.close()
}

export async function readAll(file: OpenFile): Promise<string> {
  const { size } = await file.stat()
  const bytes = Buffer.alloc(size)
  const read = await file.read(bytes, 0)
  await file.close()
  return bytes.toString('utf8', 0, read)
}

export async function statOf(root: Root, path: string): Promise<Stat> {
  const stat = await root.stat(p(path))
  assert.ok(stat, `${path} is there`)
  return stat
}

export async function fails(work: Promise<unknown>, code: FsErrorCode): Promise<FsError> {
  const error: unknown = await work.then(
    () => assert.fail(`resolved, where '${code}' was expected`),
    (e: unknown) => e,
  )
  if (!(error instanceof FsError)) throw error
  assert.equal(error.code, code, error.message)
  return error
}

async function names(root: Root, dir: string): Promise<string[]> {
  return (await root.list(dir as DirPath)).children.map(({ name }) => name)
}

async function archived(root: Root): Promise<string[]> {
  return (await root.listArchive()).map(({ name }) => name).sort()
}

export function describeRoot(kind: string, open: () => Harness): void {
  describe(`${kind}, as a Root`, () => {
    let harness: Harness
    let root: Root
    let user: Harness['user']
    beforeEach(() => {
      harness = open()
      ;({ root, user } = harness)
    })
    afterEach(() => harness.close())

    describe('looking', () => {
      it('lists names in the order of their bytes, each with its stat, and nothing of its own', async () => {
        await root.writeMarker({ folder: 'f', replica: 'r' })
        // U+FF5E sorts behind U+1F600 in UTF-16 and before it in UTF-8, which the index sorts by.
        for (const name of ['b', 'a', 'B', 'ä', '\u{1F600}', '\uFF5E', ' x', '.hidden']) user.write(name, name)
        user.makeDirectory('dir')
        user.link('link', 'a')
        const expected = [' x', '.hidden', 'B', 'a', 'b', 'dir', 'link', 'ä', '\uFF5E', '\u{1F600}']
        const { children, unusable } = await root.list('')
        assert.deepEqual(
          children.map(({ name }) => name),
          expected,
        )
        assert.deepEqual(unusable, [])
        for (const { name, stat } of children) assert.deepEqual(stat, await root.stat(p(name)))
      })

      it('tells files, directories and links apart, and the size of each file', async () => {
        user.write('dir/file', 'four')
        user.link('link', 'dir/file')
        assert.equal((await statOf(root, 'dir')).kind, 'directory')
        assert.equal((await statOf(root, 'link')).kind, 'link')
        const stat = await statOf(root, 'dir/file')
        assert.deepEqual([stat.kind, stat.size], ['file', 4])
      })

      it('says null where nothing is, whether it, its directory, or a file in place of that is missing', async () => {
        user.write('file', 'x')
        for (const path of ['none', 'no/ne', 'file/none', 'file/no/ne'])
          assert.equal(await root.stat(p(path)), null, path)
      })

      it('lists a missing directory as missing, a file and a link as in the way', async () => {
        user.write('file', 'x')
        user.makeDirectory('dir')
        user.link('link', 'dir')
        await fails(root.list(p('none')), 'missing')
        await fails(root.list(p('file')), 'link-in-the-way')
        await fails(root.list(p('link')), 'link-in-the-way')
      })

      it('follows no link on the way, not even one to a directory of the root', async () => {
        user.write('dir/file', 'x')
        user.link('link', 'dir')
        const stat = await statOf(root, 'dir/file')
        await fails(root.stat(p('link/file')), 'link-in-the-way')
        await fails(root.open(p('link/file')), 'link-in-the-way')
        await fails(root.remove(p('link/file'), stat, toArchive), 'link-in-the-way')
        await fails(root.makeDirectory(p('link/new')), 'link-in-the-way')
        await stage(root, content('a'), 'new')
        await fails(root.install(content('a'), p('link/new'), mtimeUs, null, toArchive), 'link-in-the-way')
        await fails(root.move(p('dir/file'), p('link/new'), stat, null), 'link-in-the-way')
        assert.deepEqual(await names(root, 'dir'), ['file'])
      })

      it('opens a regular file, and reads parts of it up to its end', async () => {
        user.write('file', '0123456789')
        const file = await root.open(p('file'))
        const into = Buffer.alloc(4)
        assert.equal(await file.read(into, 4), 4)
        assert.equal(into.toString(), '4567')
        assert.equal(await file.read(into, 8), 2)
        assert.equal(await file.read(into, 10), 0)
        assert.deepEqual(await file.stat(), await root.stat(p('file')))
        await file.close()
      })

      it('opens neither a link nor a directory nor what is not there', async () => {
        user.write('file', 'x')
        user.link('link', 'file')
        user.makeDirectory('dir')
        await fails(root.open(p('link')), 'changed')
        await fails(root.open(p('dir')), 'changed')
        await fails(root.open(p('none')), 'missing')
      })

      it('keeps an open file readable when it is deleted', async () => {
        user.write('file', 'still here')
        const file = await root.open(p('file'))
        user.delete('file')
        assert.equal(await readAll(file), 'still here')
      })

      it('reads the target of a link, and of nothing else', async () => {
        user.link('link', 'no/such ü')
        user.write('file', 'x')
        assert.equal(await root.readLink(p('link')), 'no/such ü')
        await fails(root.readLink(p('file')), 'changed')
        await fails(root.readLink(p('none')), 'missing')
      })

      it('touches nothing under .sync by way of the tree', async () => {
        await root.writeMarker({ folder: 'f', replica: 'r' })
        await stage(root, content('a'), 'evil')
        const marker = p('.sync/folder.json')
        await fails(root.stat(marker), 'denied')
        await fails(root.open(marker), 'denied')
        await fails(root.list(p('.sync')), 'denied')
        await fails(root.install(content('a'), marker, mtimeUs, null, toArchive), 'denied')
        await fails(root.makeLink(p('.sync'), 'x', null, toArchive), 'denied')
        await fails(root.makeDirectory(p('.sync/x')), 'denied')
      })
    })

    describe('marker and ignore list', () => {
      it('reads no marker where there is none, and makes none by looking', async () => {
        assert.equal(await root.readMarker(), null)
        assert.equal(await root.readMarker(), null)
      })

      it('reads back the marker that was written last', async () => {
        await root.writeMarker({ folder: 'one', replica: 'r' })
        await root.writeMarker({ folder: 'two', replica: 's' })
        assert.deepEqual(await root.readMarker(), { folder: 'two', replica: 's' })
      })

      it('does nothing in the tree of another disk than that whose marker was trusted, until that is back', async () => {
        await root.writeMarker({ folder: 'f', replica: 'r' })
        user.write('old', 'x')
        user.makeDirectory('d')
        const stat = await statOf(root, 'old')
        const marker = await root.readMarker()
        assert.ok(marker)
        root.trust(marker)
        harness.exchange()
        await nextTurn()
        assert.equal(await root.stat(p('old')), null)
        user.write('old', 'of somebody else')
        user.makeDirectory('d')
        await fails(
          root.install({ root: content('a'), bytes: Buffer.from('x') }, p('new'), mtimeUs, null, toArchive),
          'changed',
        )
        await fails(root.move(p('old'), p('new'), stat, null), 'changed')
        await fails(root.remove(p('old'), stat, toArchive), 'changed')
        await fails(root.makeDirectory(p('e')), 'changed')
        await fails(root.removeDirectory(p('d')), 'changed')
        await fails(root.makeLink(p('link'), 'old', null, toArchive), 'changed')
        await fails(root.setMtime(p('old'), 1, stat), 'changed')
        assert.deepEqual(
          (await root.list('')).children.map(({ name }) => name),
          ['d', 'old'],
        )
        harness.exchange()
        await nextTurn()
        await root.makeDirectory(p('e'))
        assert.equal((await root.remove(p('old'), stat, toArchive))?.name.startsWith('old.'), true)
      })

      it('writes the default ignore list once', async () => {
        assert.equal(await root.readIgnoreList('*.tmp\n'), '*.tmp\n')
        assert.equal(await root.readIgnoreList('other'), '*.tmp\n')
      })
    })

    describe('staging', () => {
      it('takes pieces in any order; what is not written reads as zeros', async () => {
        const staged = await root.openStaged(content('a'))
        await staged.truncate(12)
        await Promise.all([staged.write(Buffer.from('89'), 8), staged.write(Buffer.from('01'), 0)])
        await staged.sync()
        assert.equal(staged.dataFrom(0), 0)
        for (const offset of [1, 5, 8, 11]) assert.ok(staged.dataFrom(offset) >= offset)
        assert.equal(await readAll(staged), '01\0\0\0\0\0\x0089\0\0')
      })

      it('is found again by the root hash, with its bytes', async () => {
        await stage(root, content('a'), 'part of it')
        await stage(root, content('b'), 'another')
        assert.deepEqual([...(await root.listStaged())].sort(), [content('a'), content('b')])
        assert.equal(await readAll(await root.openStaged(content('a'))), 'part of it')
      })

      it('is empty at first, and after everything was dropped', async () => {
        assert.deepEqual(await root.listStaged(), [])
        await stage(root, content('a'), 'x')
        await root.dropStaged(content('a'))
        await root.dropStaged(content('a'))
        assert.deepEqual(await root.listStaged(), [])
      })

      it('gives another name to what is staged, and takes open files along', async () => {
        await stage(root, content('b'), 'older')
        const staged = await root.openStaged(content('a'))
        await staged.write(Buffer.from('first '), 0)
        await root.renameStaged(content('a'), content('b'))
        await staged.write(Buffer.from('last'), 6)
        assert.deepEqual(await root.listStaged(), [content('b')])
        assert.equal(await readAll(await root.openStaged(content('b'))), 'first last')
        const { stat } = await root.install(content('b'), p('a.iso'), 1_000_000, null, { to: 'nowhere' })
        assert.equal(stat.size, 10)
        await assert.rejects(staged.write(Buffer.from('late'), 0), /published/)
      })

      it('says missing when what is to get another name is not there', async () => {
        await stage(root, content('b'), 'stays')
        await fails(root.renameStaged(content('a'), content('b')), 'missing')
        assert.equal(await readAll(await root.openStaged(content('b'))), 'stays')
      })

      it('takes hundreds of writes at a time', async () => {
        const staged = await root.openStaged(content('a'))
        const pieces = Array.from({ length: 300 }, (_, i) => Buffer.alloc(1000, i % 251))
        await Promise.all(pieces.map((piece, i) => staged.write(piece, i * 1000)))
        assert.ok(
          Buffer.from(
            await readAll(staged)
              .then(() => root.openStaged(content('a')))
              .then(bytesOf),
          ).equals(Buffer.concat(pieces)),
        )
      })

      it('is not part of the tree', async () => {
        await stage(root, content('a'), 'x')
        assert.deepEqual(await names(root, ''), [])
      })
    })

    describe('install', () => {
      const install = (path: string, expected: Stat | null, old: OldFile = toArchive) =>
        root.install(content('a'), p(path), mtimeUs, expected, old)

      it('publishes the content with its mtime, and says its stat', async () => {
        await stage(root, content('a'), 'whole')
        const { stat, archived: old } = await install('new.iso', null)
        assert.equal(old, null)
        assert.equal(user.read('new.iso'), 'whole')
        assert.deepEqual(stat, await root.stat(p('new.iso')))
        assert.equal(stat.mtimeUs, mtimeUs)
        assert.deepEqual(await root.listStaged(), [])
      })

      it('makes the directories that are missing', async () => {
        await stage(root, content('a'), 'deep')
        await install('one/two/three/new.iso', null)
        assert.equal(user.read('one/two/three/new.iso'), 'deep')
      })

      it('moves the file it replaces into the archive, directories kept', async () => {
        user.write('dir/a.iso', 'old')
        await stage(root, content('a'), 'new')
        const { archived: old } = await install('dir/a.iso', await statOf(root, 'dir/a.iso'))
        assert.equal(old?.name, 'dir/a.iso.20260101T120000Z')
        assert.equal(user.read('dir/a.iso'), 'new')
        assert.equal(await readAll(await root.openArchived(old.name)), 'old')
        assert.deepEqual(await root.listArchive(), [old])
      })

      it('archives by moving: the inode stays, for those who have it open', async () => {
        user.write('a.iso', 'old')
        const before = await statOf(root, 'a.iso')
        await stage(root, content('a'), 'new')
        const { archived: old, stat } = await install('a.iso', before)
        assert.equal(old?.stat.inode, before.inode)
        assert.notEqual(stat.inode, before.inode)
      })

      it('removes what it replaces where nothing is to be kept', async () => {
        user.write('a.iso', 'old')
        await stage(root, content('a'), 'new')
        const { archived: old } = await install('a.iso', await statOf(root, 'a.iso'), toNowhere)
        assert.equal(old, null)
        assert.equal(user.read('a.iso'), 'new')
        assert.deepEqual(await archived(root), [])
      })

      const surprises: readonly (readonly [string, (h: Harness) => void])[] = [
        ['it was written to', ({ user }) => user.write('a.iso', 'longer than before')],
        ['it was replaced by one of the same size', ({ user }) => replaceFile(user)],
        ['it was deleted', ({ user }) => user.delete('a.iso')],
        ['it became a directory', ({ user }) => becomes(user, () => user.makeDirectory('a.iso'))],
        ['it became a link', ({ user }) => becomes(user, () => user.link('a.iso', 'x'))],
      ]
      for (const [name, surprise] of surprises)
        for (const old of [toArchive, toNowhere])
          it(`leaves everything as it is when ${name} (old to ${old.to})`, async () => {
            user.write('a.iso', 'old')
            const before = await statOf(root, 'a.iso')
            await stage(root, content('a'), 'new')
            surprise(harness)
            const after = await root.stat(p('a.iso'))
            await fails(install('a.iso', before, old), 'changed')
            assert.deepEqual(await root.stat(p('a.iso')), after)
            assert.deepEqual(await archived(root), [])
            assert.deepEqual(await root.listStaged(), [content('a')])
          })

      it('replaces nothing where nothing was expected', async () => {
        user.write('a.iso', 'of a user')
        await stage(root, content('a'), 'new')
        await fails(install('a.iso', null), 'changed')
        assert.equal(user.read('a.iso'), 'of a user')
      })

      it('replaces a link, and what the link points at stays', async () => {
        user.write('target', 'stays')
        user.link('a.iso', 'target')
        await stage(root, content('a'), 'new')
        const { archived: old } = await install('a.iso', await statOf(root, 'a.iso'))
        assert.equal(old, null)
        assert.deepEqual([user.read('a.iso'), user.read('target')], ['new', 'stays'])
      })

      it('replaces an empty directory, and no other', async () => {
        user.write('dir/x', 'x')
        await stage(root, content('a'), 'new')
        await fails(install('dir', await statOf(root, 'dir')), 'not-empty')
        user.delete('dir/x')
        await install('dir', await statOf(root, 'dir'))
        assert.equal(user.read('dir'), 'new')
      })

      it('says missing when nothing is staged', async () => {
        await stage(root, content('b'), 'x')
        await fails(install('a.iso', null), 'missing')
      })

      it('lets nobody write to what is published', async () => {
        const staged = await root.openStaged(content('a'))
        await staged.write(Buffer.from('whole'), 0)
        const { stat } = await install('a.iso', null)
        await assert.rejects(staged.write(Buffer.from('late'), 0), /published/)
        await assert.rejects(staged.truncate(0), /published/)
        assert.equal(await readAll(staged), 'whole')
        assert.deepEqual(await root.stat(p('a.iso')), stat)
      })

      for (const size of [0, 1, 65_536])
        it(`installs ${size} bytes`, async () => {
          await stage(root, content('a'), 'x'.repeat(size))
          assert.equal((await install('a.iso', null)).stat.size, size)
          assert.equal(user.read('a.iso'), 'x'.repeat(size))
        })

      it('installs a small content that was never staged', async () => {
        const bytes = Buffer.from('small')
        const { stat } = await root.install({ root: content('b'), bytes }, p('dir/small'), mtimeUs, null, toArchive)
        assert.equal(user.read('dir/small'), 'small')
        assert.ok(sameStat(stat, await statOf(root, 'dir/small')))
        assert.equal(stat.mtimeUs, mtimeUs)
        assert.deepEqual(await root.listStaged(), [])
      })

      it('installs a small content over what a former life left of it in staging', async () => {
        await stage(root, content('b'), 'much longer than it should be')
        await root.install({ root: content('b'), bytes: Buffer.from('small') }, p('small'), mtimeUs, null, toArchive)
        assert.equal(user.read('small'), 'small')
      })

      it('installs small contents by the hundred', async () => {
        const numbers = Array.from({ length: 200 }, (_, i) => i)
        const named = (i: number) => i.toString(16).padStart(64, '0') as RootHash
        await Promise.all(
          numbers.map((i) =>
            root.install({ root: named(i), bytes: Buffer.from(`${i}`) }, p(`d${i % 3}/${i}`), mtimeUs, null, toArchive),
          ),
        )
        for (const i of numbers) assert.equal(user.read(`d${i % 3}/${i}`), `${i}`)
      })

      it('does not install a small content over what nobody knows of', async () => {
        user.write('a.iso', 'user')
        const small = { root: content('b'), bytes: Buffer.from('small') }
        await fails(root.install(small, p('a.iso'), mtimeUs, null, toArchive), 'changed')
        assert.equal(user.read('a.iso'), 'user')
      })

      it('installs many at a time', async () => {
        const hashes = Array.from({ length: 40 }, (_, i) => i.toString(16).padStart(64, '0') as RootHash)
        await Promise.all(
          hashes.map(async (hash, i) => {
            await stage(root, hash, `file ${i}`)
            await root.install(hash, p(`d${i % 3}/${i}`), mtimeUs, null, toArchive)
          }),
        )
        for (const i of hashes.keys()) assert.equal(user.read(`d${i % 3}/${i}`), `file ${i}`)
      })
    })

    describe('move', () => {
      it('renames a file, makes its new directory, and sets the mtime', async () => {
        user.write('a', 'x')
        const before = await statOf(root, 'a')
        const stat = await root.move(p('a'), p('dir/b'), before, mtimeUs)
        assert.deepEqual([stat.inode, stat.mtimeUs], [before.inode, mtimeUs])
        assert.deepEqual(stat, await root.stat(p('dir/b')))
        assert.equal(await root.stat(p('a')), null)
      })

      it('leaves the mtime alone when it is told none', async () => {
        user.write('a', 'x')
        const before = await statOf(root, 'a')
        assert.equal((await root.move(p('a'), p('b'), before, null)).mtimeUs, before.mtimeUs)
      })

      it('renames a link as a link', async () => {
        user.link('a', 'no such')
        await root.move(p('a'), p('b'), await statOf(root, 'a'), mtimeUs)
        assert.equal(await root.readLink(p('b')), 'no such')
      })

      it('replaces nothing, and moves nothing that has changed', async () => {
        user.write('a', 'x')
        user.write('b', 'y')
        const before = await statOf(root, 'a')
        await fails(root.move(p('a'), p('b'), before, null), 'changed')
        user.write('a', 'changed')
        await fails(root.move(p('a'), p('c'), before, null), 'changed')
        assert.deepEqual([user.read('a'), user.read('b'), user.read('c')], ['changed', 'y', null])
      })

      it('moves no directory', async () => {
        user.makeDirectory('a')
        await fails(root.move(p('a'), p('b'), await statOf(root, 'a'), null), 'changed')
      })
    })

    describe('remove', () => {
      it('moves the file into the archive', async () => {
        user.write('dir/a.iso', 'x')
        const gone = await root.remove(p('dir/a.iso'), await statOf(root, 'dir/a.iso'), toArchive)
        assert.equal(gone?.name, 'dir/a.iso.20260101T120000Z')
        assert.equal(user.read('dir/a.iso'), null)
        assert.equal(await readAll(await root.openArchived(gone.name)), 'x')
      })

      it('removes for good where nothing is to be kept', async () => {
        user.write('a.iso', 'x')
        assert.equal(await root.remove(p('a.iso'), await statOf(root, 'a.iso'), toNowhere), null)
        assert.deepEqual([await root.stat(p('a.iso')), await archived(root)], [null, []])
      })

      it('removes a link, and what it points at stays', async () => {
        user.write('target', 'x')
        user.link('link', 'target')
        assert.equal(await root.remove(p('link'), await statOf(root, 'link'), toArchive), null)
        assert.deepEqual([await names(root, ''), await archived(root)], [['target'], []])
      })

      it('removes nothing that has changed, and no directory', async () => {
        user.write('a', 'x')
        user.makeDirectory('dir')
        const before = await statOf(root, 'a')
        user.write('a', 'xx')
        await fails(root.remove(p('a'), before, toArchive), 'changed')
        await fails(root.remove(p('a'), before, toNowhere), 'changed')
        await fails(root.remove(p('dir'), await statOf(root, 'dir'), toArchive), 'changed')
        await fails(root.remove(p('none'), before, toArchive), 'changed')
        assert.deepEqual(await names(root, ''), ['a', 'dir'])
      })
    })

    describe('directories', () => {
      it('makes one with those above it; one that is there is fine', async () => {
        const made = await root.makeDirectory(p('a/b/c'))
        assert.equal(made.kind, 'directory')
        assert.deepEqual(await root.makeDirectory(p('a/b/c')), made)
        assert.deepEqual(await names(root, 'a/b'), ['c'])
      })

      it('makes none where a file or a link stands', async () => {
        user.write('file', 'x')
        user.link('link', 'x')
        await fails(root.makeDirectory(p('file')), 'changed')
        await fails(root.makeDirectory(p('link')), 'changed')
        await fails(root.makeDirectory(p('file/below')), 'link-in-the-way')
      })

      it('removes an empty one only', async () => {
        user.write('full/x', 'x')
        user.makeDirectory('empty')
        user.write('file', 'x')
        await fails(root.removeDirectory(p('full')), 'not-empty')
        await fails(root.removeDirectory(p('none')), 'missing')
        await fails(root.removeDirectory(p('file')), 'link-in-the-way')
        await root.removeDirectory(p('empty'))
        assert.deepEqual(await names(root, ''), ['file', 'full'])
      })
    })

    describe('links', () => {
      it('makes one with its directory, pointing where it was told', async () => {
        const { stat } = await root.makeLink(p('dir/current.iso'), '../debian-12.iso', null, toArchive)
        assert.equal(stat.kind, 'link')
        assert.deepEqual(stat, await root.stat(p('dir/current.iso')))
        assert.equal(await root.readLink(p('dir/current.iso')), '../debian-12.iso')
      })

      it('replaces a link, and a file by way of the archive', async () => {
        user.link('a', 'old')
        user.write('b', 'old')
        await root.makeLink(p('a'), 'new', await statOf(root, 'a'), toArchive)
        const { archived: old } = await root.makeLink(p('b'), 'new', await statOf(root, 'b'), toArchive)
        assert.equal(old?.name, 'b.20260101T120000Z')
        assert.deepEqual([await root.readLink(p('a')), await root.readLink(p('b'))], ['new', 'new'])
      })

      it('replaces nothing that was not expected, and leaves nothing behind', async () => {
        user.write('a', 'x')
        await fails(root.makeLink(p('a'), 'new', null, toArchive), 'changed')
        assert.deepEqual([user.read('a'), await root.listStaged()], ['x', []])
      })
    })

    describe('setMtime', () => {
      it('sets it exactly, and says the new stat', async () => {
        user.write('a', 'x')
        const stat = await root.setMtime(p('a'), mtimeUs, await statOf(root, 'a'))
        assert.equal(stat.mtimeUs, mtimeUs)
        assert.deepEqual(stat, await root.stat(p('a')))
      })

      it('leaves alone what has changed', async () => {
        user.write('a', 'x')
        const before = await statOf(root, 'a')
        user.write('a', 'xx')
        const after = await statOf(root, 'a')
        await fails(root.setMtime(p('a'), mtimeUs, before), 'changed')
        assert.ok(sameStat(await statOf(root, 'a'), after))
      })
    })

    describe('the archive', () => {
      const archive = async (path: string, text: string): Promise<string> => {
        user.write(path, text)
        return (await root.remove(p(path), await statOf(root, path), toArchive))?.name ?? ''
      }

      it('is empty at first', async () => assert.deepEqual(await root.listArchive(), []))

      it('gives two files of one name and second names of their own', async () => {
        const given = [await archive('a.iso', '1'), await archive('a.iso', '2'), await archive('a.iso', '3')]
        assert.deepEqual(given, ['a.iso.20260101T120000Z', 'a.iso.20260101T120000Z-1', 'a.iso.20260101T120000Z-2'])
        for (const [i, name] of given.entries()) assert.equal(await readAll(await root.openArchived(name)), `${i + 1}`)
      })

      it('has room for a name of 255 bytes, cut between two characters', async () => {
        const name = await archive('dir/' + 'ä'.repeat(125) + '.iso!', 'long')
        assert.match(name, /^dir\/ä{119}\.20260101T120000Z$/)
        assert.equal(await readAll(await root.openArchived(name)), 'long')
      })

      it('restores a file to a free place with all that it had', async () => {
        user.write('dir/a', 'x')
        const before = await statOf(root, 'dir/a')
        const gone = await root.remove(p('dir/a'), before, toArchive)
        const stat = await root.restore(gone?.name ?? '', p('new/a'))
        assert.deepEqual({ ...stat, ctimeUs: 0 }, { ...before, ctimeUs: 0 })
        assert.deepEqual(stat, await root.stat(p('new/a')))
        assert.deepEqual(await root.listArchive(), [])
      })

      it('restores over nothing', async () => {
        const name = await archive('a', 'old')
        user.write('a', 'new')
        await fails(root.restore(name, p('a')), 'changed')
        assert.deepEqual([user.read('a'), await archived(root)], ['new', [name]])
      })

      it('removes a file for good, and nothing that is not there', async () => {
        const name = await archive('one/two/a', 'x')
        const other = await archive('one/b', 'y')
        await root.purgeArchived(name)
        assert.deepEqual(await archived(root), [other])
        await fails(root.purgeArchived(name), 'missing')
        await fails(root.openArchived(name), 'missing')
        await fails(root.restore(name, p('x')), 'missing')
      })

      it('takes files of a directory that is emptied at the same time', async () => {
        const first = await archive('dir/0', '0')
        let last = first
        for (let i = 1; i <= 30; i++) {
          user.write(`dir/${i}`, `${i}`)
          const stat = await statOf(root, `dir/${i}`)
          const [, gone] = await Promise.all([root.purgeArchived(last), root.remove(p(`dir/${i}`), stat, toArchive)])
          last = gone?.name ?? ''
        }
        assert.deepEqual(await archived(root), [last])
      })
    })

    it('tries whether the disk takes writes, and leaves nothing behind', async () => {
      await stage(root, content('a'), 'hello')
      await root.assertWritable()
      assert.deepEqual(await root.listStaged(), [content('a')])
      assert.deepEqual(await root.listArchive(), [])
      assert.deepEqual((await root.list('')).children, [])
    })

    it('says how much may still be written', async () => {
      const free = await root.freeBytes()
      assert.ok(Number.isFinite(free) && free > 0)
    })
  })
}

async function bytesOf(file: OpenFile): Promise<Buffer> {
  const bytes = Buffer.alloc((await file.stat()).size)
  await file.read(bytes, 0)
  await file.close()
  return bytes
}

function replaceFile(user: Harness['user']): void {
  user.write('other', 'odl')
  user.rename('other', 'a.iso')
}

function becomes(user: Harness['user'], make: () => void): void {
  user.delete('a.iso')
  make()
}
