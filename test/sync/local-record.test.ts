import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { fromHex, type RootHash } from '../../src/base/brand.ts'
import { isChange, localRecord, type Observed } from '../../src/sync/local-record.ts'
import { type RecordBody, type SignedRecord } from '../../src/sync/record.ts'
import { bodyBytes } from '../../src/sync/record-bytes.ts'
import { compareVersions } from '../../src/sync/version.ts'
import { anyRecord, directory, entryOf, file, link, path, replica, root, tombstone, version } from './record-samples.ts'

const name = path('debian.iso')
const here = { replica: replica('b'), nowUs: 3_999_999 }
const seen = (content: string, mtimeUs = 0): Observed => ({ kind: 'file', size: 7, mtimeUs, root: root(content) })
/** For ever: part of the protocol. */
const hashOfLinkX = fromHex<RootHash>('c5f2f8baab71eaf90c8400bf8ca30a0b90efbdf0549b273a3de5aaf11785bd8f')
const common = { path: name, author: replica('b'), previous: null, earlier: [], orderUs: 3_999_999 }

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
      body: { ...common, kind: 'link', version: version('a1 b3'), previous: hashOfLinkX, target: 'y' },
    },
  ]
for (const { name: what, entry, observed, body } of cases) {
  test(`a local record of ${what}`, () => {
    assert.equal(isChange({ entry, observed }), true)
    assert.deepEqual(localRecord({ path: name, entry, observed, records: [] }, here), body)
  })
}

const lineage: {
  name: string
  taken: SignedRecord[]
  observed: Observed
  previous: string | null
  earlier: string[]
}[] = [
  { name: 'of a first change: nothing', taken: [file('a1', '1')], observed: seen('2'), previous: '1', earlier: [] },
  {
    name: 'newest first',
    taken: [file('a1', '1', { previous: root('2'), earlier: [root('3'), root('4')] })],
    observed: seen('5'),
    previous: '1',
    earlier: ['2', '3', '4'],
  },
  {
    name: 'through a deletion',
    taken: [tombstone('a1', { previous: root('2'), earlier: [root('3')] })],
    observed: seen('5'),
    previous: null,
    earlier: ['2', '3'],
  },
  {
    name: 'but not what is brought back',
    taken: [file('a1', '1', { previous: root('2'), earlier: [root('3')] })],
    observed: seen('3'),
    previous: '1',
    earlier: ['2'],
  },
]
for (const { name: what, taken, observed, previous, earlier } of lineage) {
  test(`a local record names what lay there before, ${what}`, () => {
    const entry = taken[0] === undefined ? null : entryOf(taken[0])
    const body = localRecord({ path: name, entry, observed, records: taken }, here)
    assert.equal(body.previous, previous === null ? null : root(previous))
    assert.deepEqual(body.earlier, earlier.map(root))
  })
}

test('a local record does not name what this host has not seen yet', () => {
  const change = {
    path: name,
    entry: entryOf(file('a1', '1')),
    observed: seen('2'),
    records: [file('c1', '3', { previous: root('4') })],
  }
  assert.deepEqual(localRecord(change, here).earlier, [])
})

test('a local record names 15 earlier contents at most', () => {
  const earlier = Array.from({ length: 40 }, (_, i) => root('abcdef'.charAt(i % 6)).slice(0, 62) + String(10 + i))
  const taken = file('a1', '1', { earlier: earlier as RootHash[] })
  const body = localRecord({ path: name, entry: entryOf(taken), observed: seen('2'), records: [taken] }, here)
  assert.deepEqual(body.earlier, earlier.slice(0, 15))
})

test('what the index says already is no change', () => {
  assert.equal(isChange({ entry: null, observed: { kind: 'absent' } }), false)
  assert.equal(isChange({ entry: entryOf(tombstone('a1')), observed: { kind: 'absent' } }), false)
  assert.equal(isChange({ entry: entryOf(file('a1', '1', { mtimeUs: 4 })), observed: seen('1', 4) }), false)
  assert.equal(isChange({ entry: entryOf(directory('a1')), observed: { kind: 'directory' } }), false)
  assert.equal(isChange({ entry: entryOf(link('a1', 'x')), observed: { kind: 'link', target: 'x' } }), false)
})

test('the absence of what was never here is a bug and not a tombstone', () => {
  for (const entry of [null, entryOf(tombstone('a1'))]) {
    assert.throws(
      () => localRecord({ path: name, entry, observed: { kind: 'absent' }, records: [] }, here),
      /no deletion/,
    )
  }
})

test('times that no number keeps exactly are brought into range, so that every record can be signed', () => {
  for (const mtimeUs of [2 ** 60, -(2 ** 60), 1.5]) {
    const change = { path: name, entry: null, observed: seen('1', mtimeUs), records: [] }
    const body = localRecord(change, { ...here, nowUs: 1.25 })
    assert.doesNotThrow(() => bodyBytes(body))
  }
})

test('a local record dominates what the entry has taken up, and only that', () => {
  fc.assert(
    fc.property(anyRecord, anyRecord, (taken, other) => {
      const entry = entryOf(taken)
      const change = { path: name, entry, observed: seen('9'), records: [taken, other] }
      const body = localRecord(change, { replica: replica('d'), nowUs: 1 })
      assert.equal(compareVersions(body.version, taken.version), 'after')
      const known = ['equal', 'after'].includes(compareVersions(taken.version, other.version))
      assert.equal(compareVersions(body.version, other.version), known ? 'after' : 'concurrent')
    }),
  )
})
