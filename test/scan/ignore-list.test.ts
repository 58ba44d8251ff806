import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { type RelPath } from '../../src/base/brand.ts'
import { defaultIgnoreList } from '../../src/scan/default-ignore-list.ts'
import { compileIgnoreList } from '../../src/scan/ignore-list.ts'

/** pattern; what it ignores; what it leaves. */
const cases: readonly (readonly [string, readonly string[], readonly string[]])[] = [
  ['*.part', ['a.part', 'd/e/a.part', '.part', 'a.part/inside', '.hidden.part'], ['a.PART', 'a.parts', 'part']],
  ['old', ['old', 'd/old', 'old/a/b', 'd/old/x'], ['older', 'd/bold', 'old.iso']],
  ['/old', ['old', 'old/a'], ['d/old', 'd/old/a']],
  ['d/old', ['d/old', 'd/old/x'], ['old', 'e/d/old', 'd/older']],
  ['d/*.iso', ['d/a.iso', 'd/.iso'], ['d/e/a.iso', 'a.iso', 'e/d/a.iso']],
  ['**/cache', ['cache', 'a/cache', 'a/b/cache/x'], ['a/caches', 'mycache']],
  ['a/**/z', ['a/z', 'a/b/z', 'a/b/c/z', 'a/z/below'], ['z', 'b/a/z', 'a/zz']],
  ['tmp*', ['tmp', 'tmp1', 'd/tmpfile', 'tmpdir/x'], ['atmp', '.tmp']],
  ['file?.iso', ['file1.iso', 'd/fileX.iso'], ['file.iso', 'file12.iso', 'file/.iso']],
  ['[ab].iso', ['a.iso', 'd/b.iso'], ['c.iso', 'ab.iso', '[ab].isos']],
  ['[!ab].iso', ['c.iso'], ['a.iso', 'b.iso']],
  ['{old,bad}.iso', ['old.iso', 'd/bad.iso'], ['{old,bad}.iso', 'older.iso']],
  ['dir/', ['dir', 'x/dir', 'dir/below'], ['dirs']],
  ['\\#*#', ['#notes#', 'd/##'], ['notes#', '\\#x#']],
  ['\\!keep', ['!keep'], ['keep']],
  ['image (1)*.iso', ['image (1).iso', 'image (1) b.iso'], ['image 1.iso']],
  ['a|b*', ['a|b', 'a|bc'], ['a', 'b', 'bc']],
  ['c++*.iso', ['c++.iso'], ['c.iso', 'ccc.iso']],
  ['"q"*.iso', ['"q".iso'], ['q.iso']],
  ['*(x)', ['a(x)', '(x)'], ['x', 'ax']],
  ['  spaced name ', ['  spaced name'], ['spaced name']],
  ['__proto__', ['__proto__', 'd/__proto__'], ['constructor', 'toString']],
  ['映*', ['映像.iso'], ['像映']],
  ['*', ['a', '.b', 'c/d'], []],
]

suite('a pattern', () => {
  for (const [pattern, ignores, leaves] of cases) {
    test(`${pattern} ignores ${ignores.join(' ')}, not ${leaves.join(' ')}`, () => {
      const { ignored, troubles } = compileIgnoreList(`# comment\n${pattern}\n`)
      assert.deepEqual(troubles, [])
      for (const path of ignores) assert.equal(ignored(path as RelPath), true, path)
      for (const path of leaves) assert.equal(ignored(path as RelPath), false, path)
    })
  }
})

test('.sync in the root is ignored whatever the list says, elsewhere only if it says so', () => {
  const { ignored } = compileIgnoreList('')
  assert.equal(ignored('.sync' as RelPath), true)
  assert.equal(ignored('.sync/Archive/a.iso' as RelPath), true)
  assert.equal(ignored('d/.sync' as RelPath), false)
})

test('comments, blank lines, a byte order mark and carriage returns are not patterns', () => {
  const { ignored, troubles } = compileIgnoreList('\ufeff*.a\r\n\r\n   \r\n# *.b\r\n*.c')
  assert.deepEqual(troubles, [])
  const names = ['x.a', 'x.b', 'x.c', ' ', '\r']
  assert.deepEqual(names.map((name) => ignored(name as RelPath)), [true, false, true, false, false]) // prettier-ignore
})

test('a line that is wrong is reported with its number, and the others count', () => {
  const { ignored, troubles } = compileIgnoreList('*.a\n[broken\n!*.b\nx{1\n*.c')
  assert.deepEqual(troubles.map(({ line, text }) => [line, text]), [[2, '[broken'], [3, '!*.b'], [4, 'x{1']]) // prettier-ignore
  for (const { reason } of troubles) assert.notEqual(reason, '')
  assert.equal(ignored('x.a' as RelPath), true)
  assert.equal(ignored('x.c' as RelPath), true)
})

suite('the default list', () => {
  const { ignored, troubles } = compileIgnoreList(defaultIgnoreList)

  test('has no line that is wrong', () => assert.deepEqual(troubles, []))

  const temporary = [
    'debian.iso.!sync', '.!sync123', 'x.bts', '.SyncID', '.debian-12.iso.Ab3xY9', 'd/.a.000000', '.syncthing.a.iso.tmp',
    'a.iso.part', 'a.iso.crdownload', 'Unconfirmed 1.crdownload', 'a.iso.download', 'a.iso.partial', 'a.opdownload',
    'a.iso.aria2', 'a.iso~', '.a.iso.swp', '.a.swx', '#a#', '.#a', 'x.tmp', 'a.iso.filepart', '.stfolder', '.DS_Store',
    'Thumbs.db', 'd/desktop.ini', '.nfs000000000123', 'lost+found', 'lost+found/#123', '.Trash-1000/files/a.iso',
    '.fuse_hidden0001', '.in.a.iso.', '~$a.doc', '$RECYCLE.BIN', '.sync/x', 'd/.sync/y', '.~tmp~/a.iso',
  ] // prettier-ignore
  for (const path of temporary) test(`ignores ${path}`, () => assert.equal(ignored(path as RelPath), true))

  const real = [
    'debian-12.5.0-amd64-netinst.iso', 'Windows Server 2022.iso', 'd/memtest86+.iso', 'current.iso', '.hidden.iso',
    'a.img', 'part', 'download', 'x.isopart', 'sync', 'tmp', '.treeinfo', 'EFI/BOOT', 'd/lost+found', 'a.iso.sha256',
    'debian-12.iso.SHA256', '.disk/info', '.discinfo', 'SHA256SUMS', '#readme', 'a (1).iso', 'SW_DVD9.ISO',
  ] // prettier-ignore
  for (const path of real) test(`leaves ${path}`, () => assert.equal(ignored(path as RelPath), false))
})
