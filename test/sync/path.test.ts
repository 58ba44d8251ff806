import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import {
  foldedName,
  isUnder,
  joinPath,
  linkTargetTrouble,
  MAX_NAME_BYTES,
  MAX_PATH_BYTES,
  MAX_TARGET_BYTES,
  nameOf,
  parentOf,
  parsePath,
  pathTrouble,
} from '../../src/sync/path.ts'
import { path } from './record-samples.ts'

const longestName = 'n'.repeat(MAX_NAME_BYTES)
const longestPath = `${`${longestName}/`.repeat(15)}nn/${'n'.repeat(MAX_PATH_BYTES - 15 * 256 - 3)}`

const good = [
  'debian.iso',
  'a/b/c.iso',
  '...',
  '..a',
  '.hidden',
  'a/.sync',
  '.syncing',
  '.Sync',
  'a b\n"\\*?',
  'ä/漢字/💿.iso',
  'a\u0308',
  longestName,
  'ä'.repeat(127),
  longestPath,
]
for (const text of good) {
  test(`${JSON.stringify(text.slice(0, 30))} (${text.length}) is a path`, () => {
    assert.equal(pathTrouble(text), null)
    assert.equal(parsePath(text), text)
  })
}

const bad: [string, RegExp][] = [
  ['', /empty/],
  ['/', /absolute/],
  ['/etc/passwd', /absolute/],
  ['a//b', /empty component/],
  ['a/', /empty component/],
  ['.', /'\.'/],
  ['..', /'\.\.'/],
  ['a/../b', /'\.\.'/],
  ['a/..', /'\.\.'/],
  ['../a', /'\.\.'/],
  ['a/./b', /'\.'/],
  ['a\0b', /NUL/],
  ['\ud800.iso', /UTF-8/],
  ['a/\udc00', /UTF-8/],
  ['.sync', /isosyncd's own/],
  ['.sync/Archive/x', /isosyncd's own/],
  [`${longestName}n`, /longer than 255/],
  ['ä'.repeat(128), /longer than 255/],
  [`${longestPath}n`, /longer than 4096/],
]
for (const [text, reason] of bad) {
  test(`${JSON.stringify(text.slice(0, 30))} (${text.length}) is no path: ${reason.source}`, () => {
    assert.match(pathTrouble(text) ?? 'no trouble', reason)
    assert.equal(parsePath(text), null)
  })
}

test('parent and name take a path apart, and join puts it together again', () => {
  const table: [string, string, string][] = [
    ['a', '', 'a'],
    ['a/b', 'a', 'b'],
    ['a/b/c.iso', 'a/b', 'c.iso'],
  ]
  for (const [whole, parent, name] of table) {
    assert.equal(parentOf(path(whole)), parent)
    assert.equal(nameOf(path(whole)), name)
    assert.equal(joinPath(parentOf(path(whole)), name), whole)
  }
})

test('a name that is none is not joined', () => {
  for (const name of ['', '.', '..', 'a/b', 'a\0', '.sync']) assert.equal(joinPath('', name), null)
  assert.equal(joinPath(path('a'), '.sync'), 'a/.sync')
  assert.equal(joinPath(path(longestPath), 'n'), null)
})

test('a path is under the directories above it, not under itself nor under names that it begins with', () => {
  assert.equal(isUnder(path('a/b/c'), path('a')), true)
  assert.equal(isUnder(path('a/b/c'), path('a/b')), true)
  assert.equal(isUnder(path('a'), ''), true)
  assert.equal(isUnder(path('a'), path('a')), false)
  assert.equal(isUnder(path('a'), path('a/b')), false)
  assert.equal(isUnder(path('ab/c'), path('a')), false)
})

const targets: [string, string, RegExp | null][] = [
  ['current.iso', 'debian-12.iso', null],
  ['current.iso', './debian-12.iso', null],
  ['current.iso', 'a//b/', null],
  ['a/current.iso', '../debian-12.iso', null],
  ['a/b/c', '../../d/e', null],
  ['a/b', '..', null],
  ['a/b', '.', null],
  ['a/b', '.sync/x', null],
  ['a', 'n'.repeat(MAX_TARGET_BYTES), null],
  ['current.iso', '', /empty/],
  ['current.iso', '/srv/iso/debian-12.iso', /absolute/],
  ['current.iso', '..', /outside/],
  ['current.iso', '../folder/debian-12.iso', /outside/],
  ['a/current.iso', '../../x', /outside/],
  ['a/current.iso', '.././../x', /outside/],
  ['current.iso', 'a/../debian-12.iso', /behind a name/],
  ['current.iso', 'deep/../../etc', /behind a name/],
  ['current.iso', '.sync/Archive/x', /\.sync/],
  ['a/b', '../.sync', /\.sync/],
  ['a/b', '..//.sync/x', /\.sync/],
  ['a', 'x\0y', /not text/],
  ['a', '\ud800', /not text/],
  ['a', 'n'.repeat(MAX_TARGET_BYTES + 1), /longer than 4095/],
]
for (const [from, target, reason] of targets) {
  test(`a link at ${from} ${reason ? 'may not' : 'may'} point to ${JSON.stringify(target.slice(0, 30))} (${target.length})`, () => {
    const trouble = linkTargetTrouble(path(from), target)
    if (reason === null) assert.equal(trouble, null)
    else assert.match(trouble ?? 'no trouble', reason)
  })
}

const same: [string, string][] = [
  ['Debian.ISO', 'debian.iso'],
  ['\u00e4.iso', 'a\u0308.iso'],
  ['\u00c4.iso', 'a\u0308.iso'],
  ['straße', 'STRASSE'],
  ['STRAẞE', 'strasse'],
  ['ΣΊΣΥΦΟΣ', 'σίσυφος'],
  ['\u212a', 'k'],
  ['ﬁ', 'FI'],
  ['α\u0345\u0301', 'α\u0301\u0345'],
]
for (const [x, y] of same) {
  test(`${x} and ${y} clash`, () => assert.equal(foldedName(x), foldedName(y)))
}

const different: [string, string][] = [
  ['a', 'b'],
  ['a', 'ä'],
  ['ısı', 'isi'],
  ['１', '1'],
  ['a ', 'a'],
]
for (const [x, y] of different) {
  test(`${x} and ${y} do not clash`, () => assert.notEqual(foldedName(x), foldedName(y)))
}

test('folding what is folded changes nothing, and neither does the normal form of a name', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (name) => {
      assert.equal(foldedName(foldedName(name)), foldedName(name))
      assert.equal(foldedName(name.normalize('NFD')), foldedName(name))
    }),
    { numRuns: 500 },
  )
})

test('what is a path stays inside the root, whatever is thrown at it', () => {
  const text = fc.string({ unit: fc.constantFrom('.', '/', 'a', '\0', '.sync', '..', 'ä', '\ud800'), maxLength: 12 })
  fc.assert(
    fc.property(text, (text) => {
      const parsed = parsePath(text)
      if (parsed === null) return
      const url = new URL(parsed.split('/').map(encodeURIComponent).join('/'), 'file:///root/')
      assert.equal(url.pathname, `/root/${parsed.split('/').map(encodeURIComponent).join('/')}`)
      assert.ok(!parsed.startsWith('.sync/') && parsed !== '.sync')
    }),
  )
})
