import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { isChange, localRecord, type Observed } from '../../src/sync/local-record.ts'
import { type RecordBody } from '../../src/sync/record.ts'
import { bodyBytes } from '../../src/sync/record-bytes.ts'
import { compareVersions } from '../../src/sync/version.ts'
import { anyRecord, directory, entryOf, file, link, path, replica, root, tombstone, version } from './record-samples.ts'

const name = path('debian.iso')
const here = { replica: replica('b'), nowUs: 3_999_999 }
const seen = (content: string, mtimeUs = 0): Observed => ({ kind: 'file', size: 7, mtimeUs, root: root(content) })
const common = { path: name, author: replica('b'), previous: null, orderUs: 3_999_999 }

const cases: { name: string; entry: Parameters<typeof isChange>[0]['entry']; observed: Observed; body: RecordBody }[] =
  [
    {
      name: 'a new file: no previous content, its counter is the clock, its order its mtime',
      entry: null,
      observed: seen('1', 2_000_000),
      body: {
        ...common,
        kind: 'file',
        version: version('b3'),
        size: 7,
        mtimeUs: 2_000_000,
        root: root('1'),
        orderUs: 2_000_000,
      },
    },
    {
      name: 'an mtime in the future orders as now',
      entry: null,
      observed: seen('1', 9_000_000),
      body: { ...common, kind: 'file', version: version('b3'), size: 7, mtimeUs: 9_000_000, root: root('1') },
    },
    {
      name: 'a changed file names the content that it replaces',
      entry: entryOf(file('a1 b8', '1')),
      observed: seen('2', 1),
      body: {
        ...common,
        kind: 'file',
        version: version('a1 b9'),
        size: 7,
        mtimeUs: 1,
        root: root('2'),
        orderUs: 1,
        previous: root('1'),
      },
    },
    {
      name: 'a touched file names itself',
      entry: entryOf(file('a1', '1')),
      observed: seen('1', 1),
      body: {
        ...common,
        kind: 'file',
        version: version('a1 b3'),
        size: 7,
        mtimeUs: 1,
        root: root('1'),
        orderUs: 1,
        previous: root('1'),
      },
    },
    {
      name: 'a file again where one was deleted starts from that tombstone',
      entry: entryOf(tombstone('a1 c2')),
      observed: seen('1'),
      body: { ...common, kind: 'file', version: version('a1 b3 c2'), size: 7, mtimeUs: 0, root: root('1'), orderUs: 0 },
    },
    {
      name: 'a deleted file',
      entry: entryOf(file('a1', '1')),
      observed: { kind: 'absent' },
      body: { ...common, kind: 'tombstone', version: version('a1 b3'), previous: root('1') },
    },
    {
      name: 'a deleted directory',
      entry: entryOf(directory('a1')),
      observed: { kind: 'absent' },
      body: { ...common, kind: 'tombstone', version: version('a1 b3') },
    },
    {
      name: 'a directory where a file was',
      entry: entryOf(file('a1', '1')),
      observed: { kind: 'directory' },
      body: { ...common, kind: 'directory', version: version('a1 b3'), previous: root('1') },
    },
    {
      name: 'a file where a directory was',
      entry: entryOf(directory('a1')),
      observed: seen('1'),
      body: { ...common, kind: 'file', version: version('a1 b3'), size: 7, mtimeUs: 0, root: root('1'), orderUs: 0 },
    },
    {
      name: 'a link to another target',
      entry: entryOf(link('a1', 'x')),
      observed: { kind: 'link', target: 'y' },
      body: { ...common, kind: 'link', version: version('a1 b3'), target: 'y' },
    },
  ]
for (const { name: what, entry, observed, body } of cases) {
  test(`a local record of ${what}`, () => {
    assert.equal(isChange({ entry, observed }), true)
    assert.deepEqual(localRecord({ path: name, entry, observed }, here), body)
  })
}

test('what the index says already is no change', () => {
  assert.equal(isChange({ entry: null, observed: { kind: 'absent' } }), false)
  assert.equal(isChange({ entry: entryOf(tombstone('a1')), observed: { kind: 'absent' } }), false)
  assert.equal(isChange({ entry: entryOf(file('a1', '1', { mtimeUs: 4 })), observed: seen('1', 4) }), false)
  assert.equal(isChange({ entry: entryOf(directory('a1')), observed: { kind: 'directory' } }), false)
  assert.equal(isChange({ entry: entryOf(link('a1', 'x')), observed: { kind: 'link', target: 'x' } }), false)
})

test('the absence of what was never here is a bug and not a tombstone', () => {
  for (const entry of [null, entryOf(tombstone('a1'))]) {
    assert.throws(() => localRecord({ path: name, entry, observed: { kind: 'absent' } }, here), /no deletion/)
  }
})

test('times that no number keeps exactly are brought into range, so that every record can be signed', () => {
  for (const mtimeUs of [2 ** 60, -(2 ** 60), 1.5]) {
    const body = localRecord({ path: name, entry: null, observed: seen('1', mtimeUs) }, { ...here, nowUs: 1.25 })
    assert.doesNotThrow(() => bodyBytes(body))
  }
})

test('a local record dominates what the entry has taken up, and only that', () => {
  fc.assert(
    fc.property(anyRecord, anyRecord, (taken, other) => {
      const entry = entryOf(taken)
      const body = localRecord({ path: name, entry, observed: seen('9') }, { replica: replica('d'), nowUs: 1 })
      assert.equal(compareVersions(body.version, taken.version), 'after')
      const known = ['equal', 'after'].includes(compareVersions(taken.version, other.version))
      assert.equal(compareVersions(body.version, other.version), known ? 'after' : 'concurrent')
    }),
  )
})
