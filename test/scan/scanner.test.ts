import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { appendFileSync, copyFileSync, renameSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { suite, test, type TestContext } from 'node:test'
import { type DirPath } from '../../src/base/brand.ts'
import { systemClock } from '../../src/base/clock.ts'
import { FsError, type Root } from '../../src/fs/root.ts'
import { createScanner } from '../../src/scan/scanner.ts'
import { sameStat } from '../../src/sync/entry.ts'
import { path, versionOf } from '../db/index-samples.ts'
import { collect, entryOf, ScanBench, told } from './scan-bench.ts'

async function benchWith(t: TestContext, ...things: readonly string[]): Promise<ScanBench> {
  const bench = new ScanBench()
  t.after(() => bench.close())
  bench.make(...things)
  await bench.takeUpAll()
  return bench
}

const failing =
  (bench: ScanBench, at: DirPath, code: 'denied' | 'io' | 'missing'): Root['list'] =>
  async (dir) => {
    if (dir === at) throw new FsError(code, at, 'cannot list the directory')
    return bench.root.list(dir)
  }

suite('a scan of everything', () => {
  test('tells what is new, each directory before what it contains', async (t) => {
    const bench = await benchWith(t)
    bench.make('a.iso', 'd/b.iso', 'd/e/f/c.iso', 'empty/', 'current.iso -> a.iso', 'd.x')
    const all = told(await bench.scanAll())
    assert.deepEqual([...all].sort(), [
      'directory d', 'directory d/e', 'directory d/e/f', 'directory empty', 'file a.iso', 'file d.x', 'file d/b.iso',
      'file d/e/f/c.iso', 'link current.iso -> a.iso',
    ]) // prettier-ignore
    const place = (what: string) => all.indexOf(what)
    assert.ok(place('directory d') < place('file d/b.iso') && place('directory d') < place('directory d/e'))
    assert.ok(place('directory d/e/f') < place('file d/e/f/c.iso'))
  })

  test('tells nothing of what the index has seen', async (t) => {
    const bench = await benchWith(
      t,
      'a.iso',
      'd/b.iso',
      'd/e/c.iso',
      'empty/',
      'current.iso -> a.iso',
      '映像.iso',
      '💿/\uffee',
    )
    assert.deepEqual(told(await bench.scanAll()), [])
  })

  test('counts what it walks', async (t) => {
    const bench = await benchWith(t, 'a.iso', 'd/b.iso', 'l -> a.iso')
    const needs = { root: bench.root, index: bench.index, ignored: () => false, clock: systemClock }
    const scan = createScanner(needs).scanAll(new AbortController().signal)
    await collect(scan)
    assert.deepEqual(scan.counts, { files: 2, directories: 2, links: 1 })
    assert.ok(scan.seconds() > 0)
  })

  test('tells a file whose size, mtime or inode is another', async (t) => {
    const bench = await benchWith(t, 'size', 'mtime', 'inode', 'same')
    const at = (name: string) => join(bench.dir, name)
    appendFileSync(at('size'), 'x')
    utimesSync(at('mtime'), 1, 1)
    copyFileSync(at('inode'), at('other'))
    renameSync(at('other'), at('inode'))
    const sightings = await bench.scanAll()
    assert.deepEqual(told(sightings).sort(), ['file inode', 'file mtime', 'file size'])
    for (const sighting of sightings) {
      assert.ok(sighting.seen === 'file' && sighting.entry?.kind === 'file')
      const stat = await bench.root.stat(sighting.path)
      assert.ok(stat !== null && sameStat(stat, sighting.stat))
    }
  })

  test('tells what is missing, children before their directory', async (t) => {
    const bench = await benchWith(t, 'a', 'd/b', 'd/e/c', 'd/e/f/g', 'stays/x')
    bench.remove('a', 'd')
    const sightings = await bench.scanAll()
    assert.deepEqual(told(sightings), [
      'missing a', 'missing d/e/f/g', 'missing d/e/f', 'missing d/e/c', 'missing d/e', 'missing d/b', 'missing d',
    ]) // prettier-ignore
    bench.takeUp(sightings)
    assert.deepEqual(told(await bench.scanAll()), [])
  })

  test('finds what is missing in a directory that the index has no entry for', async (t) => {
    const bench = await benchWith(t, 'd/e/c', 'd/b')
    bench.index.commit([{ op: 'forget-entry', path: path('d') }, { op: 'forget-entry', path: path('d/e') }]) // prettier-ignore
    bench.remove('d')
    assert.deepEqual(told(await bench.scanAll()), ['missing d/e/c', 'missing d/b'])
  })

  test('tells again what was absent', async (t) => {
    const bench = await benchWith(t, 'a')
    bench.remove('a')
    await bench.takeUpAll()
    bench.make('a')
    const [sighting] = await bench.scanAll()
    assert.ok(sighting?.seen === 'file' && sighting.entry?.kind === 'absent')
  })
})

suite('what turns into something else', () => {
  test('a directory into a file: what was in it is missing first', async (t) => {
    const bench = await benchWith(t, 'd/a', 'd/e/b')
    bench.remove('d')
    bench.make('d')
    const sightings = await bench.scanAll()
    assert.deepEqual(told(sightings), ['missing d/e/b', 'missing d/e', 'missing d/a', 'file d'])
    assert.equal(sightings[3]?.seen === 'file' && sightings[3].entry?.kind, 'directory')
    assert.deepEqual(told(await bench.scanPath('d')), told(sightings))
    assert.deepEqual(told(await bench.scanPath('d/e/b')), told(sightings))
  })

  test('a file into a directory', async (t) => {
    const bench = await benchWith(t, 'd')
    bench.remove('d')
    bench.make('d/a')
    assert.deepEqual(told(await bench.scanAll()), ['directory d', 'file d/a'])
  })

  test('a directory into a link: a problem, and nothing is missing, until the link goes', async (t) => {
    const bench = await benchWith(t, 'd/a', 'moved/')
    bench.remove('d')
    bench.make('d -> moved')
    assert.deepEqual(told(await bench.scanAll()), ['problem in-the-way d'])
    assert.deepEqual(told(await bench.scanPath('d/a')), ['problem in-the-way d'])
    bench.remove('d')
    assert.deepEqual(told(await bench.scanAll()), ['missing d/a', 'missing d'])
  })

  test('a link that points elsewhere', async (t) => {
    const bench = await benchWith(t, 'a', 'l -> a')
    bench.remove('l')
    bench.make('l -> b')
    assert.deepEqual(told(await bench.scanAll()), ['link l -> b'])
  })
})

suite('trouble is not a deletion', () => {
  for (const code of ['denied', 'io'] as const) {
    test(`a directory that cannot be listed (${code}) is a problem, and nothing below it is missing`, async (t) => {
      const bench = await benchWith(t, 'd/a', 'd/e/b', 'c')
      rmSync(join(bench.dir, 'd'), { recursive: true })
      bench.make('d/', 'new')
      const kind = code === 'denied' ? 'unreadable' : 'io-error'
      const sightings = await bench.scanAll({ list: failing(bench, path('d'), code) })
      assert.deepEqual(told(sightings), ['file new', `problem ${kind} d`])
    })
  }

  test('a root that cannot be listed is a problem of the folder, and nothing is missing', async (t) => {
    const bench = await benchWith(t, 'd/a', 'b')
    assert.deepEqual(told(await bench.scanAll({ list: failing(bench, '', 'io') })), ['problem io-error null'])
    assert.deepEqual(told(await bench.scanAll({ list: failing(bench, '', 'missing') })), [])
  })

  test('a name that cannot be looked at is a problem, and neither it nor what is below it is missing', async (t) => {
    const bench = await benchWith(t, 'd/a', 'b')
    const list: Root['list'] = async () => ({ children: [], unusable: [{ shown: 'd', reason: 'io' }, { shown: 'b', reason: 'denied' }] }) // prettier-ignore
    const stat: Root['stat'] = async () => null
    assert.deepEqual(told(await bench.scanAll({ list, stat })), ['problem io-error d', 'problem unreadable b'])
  })

  test('what a listing lacks and a second look finds is not missing', async (t) => {
    const bench = await benchWith(t, 'd/a', 'b')
    const list: Root['list'] = async () => ({ children: [], unusable: [] })
    assert.deepEqual(told(await bench.scanAll({ list })), [])
  })

  test('a second look that fails is a problem', async (t) => {
    const bench = await benchWith(t, 'b')
    const list: Root['list'] = async () => ({ children: [], unusable: [] })
    const stat: Root['stat'] = async () => Promise.reject(new FsError('io', 'b', 'cannot look at it'))
    assert.deepEqual(told(await bench.scanAll({ list, stat })), ['problem io-error b'])
    assert.deepEqual(told(await bench.scanPath('b', { stat })), ['problem io-error b'])
  })

  test('a name that is not UTF-8 is a problem, the rest goes on', async (t) => {
    const bench = await benchWith(t, 'a')
    writeFileSync(Buffer.concat([Buffer.from(`${bench.dir}/bad`), Buffer.from([0xe4]), Buffer.from('.iso')]), '')
    bench.make('b')
    assert.deepEqual(told(await bench.scanAll()).sort(), ['file b', 'problem bad-name bad\\xe4.iso'])
  })

  test('a pipe is a problem', async (t) => {
    const bench = await benchWith(t)
    execFileSync('mkfifo', [join(bench.dir, 'pipe')])
    assert.deepEqual(told(await bench.scanAll()), ['problem unsupported pipe'])
    assert.deepEqual(told(await bench.scanPath('pipe')), ['problem unsupported pipe'])
  })

  test('a link that leaves the folder, or is absolute, is a problem', async (t) => {
    const bench = await benchWith(t)
    bench.make('d/out -> ../../etc', 'absolute -> /etc/passwd')
    const all = told(await bench.scanAll()).sort()
    assert.deepEqual(all, ['directory d', 'problem bad-link absolute', 'problem bad-link d/out'])
  })

  test('our own change between listing and looking is not told', async (t) => {
    const bench = await benchWith(t, 'a')
    const before = await bench.root.list('')
    appendFileSync(join(bench.dir, 'a'), 'more')
    bench.make('new')
    bench.takeUp(await bench.scanAll())
    const list: Root['list'] = async () => before
    assert.deepEqual(told(await bench.scanAll({ list })), [])
  })
})

suite('names that clash', () => {
  test('a new name beside one that differs in case or accents only is a problem, also by a hint', async (t) => {
    const bench = await benchWith(t, 'debian.iso', 'd/é.iso')
    bench.make('Debian.ISO', 'd/e\u0301.iso', 'fine.iso')
    const clashes = ['problem name-clash Debian.ISO', 'problem name-clash d/e\u0301.iso']
    assert.deepEqual(told(await bench.scanAll()).sort(), ['file fine.iso', ...clashes])
    assert.deepEqual(told(await bench.scanPath('Debian.ISO')), ['problem name-clash Debian.ISO'])
    assert.deepEqual(told(await bench.scanPath('fine.iso')), ['file fine.iso'])
  })

  test('two new names that clash are both problems', async (t) => {
    const bench = await benchWith(t)
    bench.make('a', 'A')
    assert.deepEqual(told(await bench.scanAll()).sort(), ['problem name-clash A', 'problem name-clash a'])
  })

  test('a directory that clashes is not entered', async (t) => {
    const bench = await benchWith(t, 'd/a')
    bench.make('D/b')
    assert.deepEqual(told(await bench.scanAll()), ['problem name-clash D'])
    assert.deepEqual(told(await bench.scanPath('D/b')), ['problem name-clash D'])
  })

  test('a rename that only changes case is no clash', async (t) => {
    const bench = await benchWith(t, 'a.iso')
    renameSync(join(bench.dir, 'a.iso'), join(bench.dir, 'A.iso'))
    assert.deepEqual(told(await bench.scanPath('A.iso')), ['file A.iso'])
    assert.deepEqual(told(await bench.scanAll()), ['file A.iso', 'missing a.iso'])
  })

  test('an ignored name does not clash', async (t) => {
    const bench = await benchWith(t)
    bench.ignoreList = 'A.ISO'
    bench.make('a.iso', 'A.ISO')
    assert.deepEqual(told(await bench.scanAll()), ['file a.iso'])
  })
})

suite('what is ignored', () => {
  test('is neither new nor entered', async (t) => {
    const bench = await benchWith(t)
    bench.ignoreList = '*.part\ntmp'
    bench.make('a.part', 'tmp/x', 'd/tmp', 'd/b', '.sync/staging/x')
    assert.deepEqual(told(await bench.scanAll()), ['directory d', 'file d/b'])
    for (const at of ['a.part', 'tmp', 'tmp/x', 'd/tmp']) assert.deepEqual(await bench.scanPath(at), [], at)
  })

  test('is not missing when it was synced before and goes', async (t) => {
    const bench = await benchWith(t, 'a.part', 'tmp/x')
    bench.ignoreList = '*.part\ntmp'
    assert.deepEqual(told(await bench.scanAll()), [])
    bench.remove('a.part', 'tmp')
    assert.deepEqual(told(await bench.scanAll()), [])
    assert.deepEqual(told(await bench.scanPath('tmp/x')), [])
  })
})

suite('a scan of one path', () => {
  test('tells a file that is new, changed or gone, and nothing else', async (t) => {
    const bench = await benchWith(t, 'd/old', 'd/changes', 'd/goes')
    bench.make('d/new', 'd/other')
    appendFileSync(join(bench.dir, 'd/changes'), 'x')
    bench.remove('d/goes')
    assert.deepEqual(told(await bench.scanPath('d/new')), ['file d/new'])
    assert.deepEqual(told(await bench.scanPath('d/changes')), ['file d/changes'])
    assert.deepEqual(told(await bench.scanPath('d/goes')), ['missing d/goes'])
    assert.deepEqual(told(await bench.scanPath('d/old')), [])
    assert.deepEqual(told(await bench.scanPath('never/was')), [])
  })

  test('of a directory walks all below it', async (t) => {
    const bench = await benchWith(t, 'd/gone/x', 'd/e/same', 'outside')
    bench.make('d/new/deep/a', 'elsewhere')
    bench.remove('d/gone', 'outside')
    const sightings = told(await bench.scanPath('d'))
    assert.deepEqual(sightings, [
      'directory d/new', 'directory d/new/deep', 'file d/new/deep/a', 'missing d/gone/x', 'missing d/gone',
    ]) // prettier-ignore
  })

  test('in a new directory tells that first', async (t) => {
    const bench = await benchWith(t)
    bench.make('n/m/a')
    assert.deepEqual(told(await bench.scanPath('n/m/a')), ['directory n', 'directory n/m', 'file n/m/a'])
  })

  test('below a directory that is gone tells all that went with it', async (t) => {
    const bench = await benchWith(t, 'd/e/a', 'd/b')
    bench.remove('d')
    assert.deepEqual(told(await bench.scanPath('d/e/a')), ['missing d/e/a', 'missing d/e', 'missing d/b', 'missing d'])
  })
})

test('an aborted scan rejects with the reason', async (t) => {
  const bench = await benchWith(t)
  bench.make('a', 'd/b', 'd/e/c')
  const abort = new AbortController()
  const needs = { root: bench.root, index: bench.index, ignored: () => false, clock: systemClock }
  const scan = createScanner(needs).scanAll(abort.signal)
  const seen: string[] = []
  await assert.rejects(async () => {
    for await (const sighting of scan) {
      seen.push(sighting.seen)
      abort.abort(new Error('stopping'))
    }
  }, /stopping/)
  assert.ok(seen.length < 5)
})

test('an entry of a name that only differs in bytes is another path', async (t) => {
  const bench = await benchWith(t)
  bench.make('e\u0301')
  bench.index.commit([{ op: 'entry', entry: { kind: 'directory', path: path('\u00e9'), version: versionOf('a', 1) } }])
  const sightings = await bench.scanAll()
  assert.deepEqual(told(sightings), ['file e\u0301', 'missing \u00e9'])
  assert.equal(sightings.flatMap(entryOf).length, 2)
})
