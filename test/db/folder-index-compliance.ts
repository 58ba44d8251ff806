/** What every FolderIndex must do, run by folder-index.test.ts. `open` gives an empty index of two folders. */
import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { type Change, type FolderIndex } from '../../src/db/index-port.ts'
import { ofContent, ofLength, ofRecords } from '../../src/sync/approval.ts'
import { type Entry } from '../../src/sync/entry.ts'
import { type SignedRecord } from '../../src/sync/record.ts'
import {
  absentEntry,
  directoryEntry,
  fileEntry,
  fileRecord,
  folderNamed,
  hashNamed,
  linkEntry,
  listOf,
  path,
  replicaNamed,
  rootNamed,
  signatureNamed,
  tombstone,
  versionOf,
} from './index-samples.ts'

export interface OpenedIndex {
  readonly one: FolderIndex
  readonly two: FolderIndex
  /** What was committed, read by another opening of the same index. */
  readonly reopen: () => { readonly one: FolderIndex; readonly two: FolderIndex }
}

/** Names that have broken other programs: quotes, wildcards of SQL, names of JavaScript, other scripts. */
export const STRANGE_NAMES = [
  "it's",
  '"quoted"',
  '100%',
  'a_b',
  '__proto__',
  'constructor',
  "'; DROP TABLE entry; --",
  ' leading and trailing ',
  'new\nline',
  '-rf',
  'e\u0301.iso',
  '\u00e9.iso',
  '映像.iso',
  '💿.iso',
  '\uffee',
  '\u{10ffff}',
  'x'.repeat(255),
]

const byBytes = (a: string, b: string) => Buffer.compare(Buffer.from(a), Buffer.from(b))
const records = (at: string, ...set: SignedRecord[]) => ({ op: 'records', path: path(at), records: set }) as const
const entries = (...list: Entry[]) => list.map((entry) => ({ op: 'entry', entry }) as const)

export function folderIndexCompliance(name: string, open: () => OpenedIndex): void {
  suite(`${name} as a FolderIndex`, () => {
    test('has entries once anything was ever seen under the root, whatever records say', () => {
      const { one, two } = open()
      assert.equal(one.hasEntries(), false)
      one.commit(entries(absentEntry('a')))
      assert.deepEqual([one.hasEntries(), two.hasEntries()], [true, false])
    })

    test('remembers of each folder by itself that its root was marked', () => {
      const { one, two } = open()
      assert.equal(one.isMarked(), false)
      one.commit([{ op: 'marked' }])
      assert.deepEqual([one.isMarked(), two.isMarked()], [true, false])
    })

    test('an unknown path, content or peer is empty, not an error', () => {
      const { one } = open()
      assert.deepEqual(one.recordsOf(path('no/where')), [])
      assert.equal(one.entry(path('no/where')), null)
      assert.deepEqual(one.entriesIn(path('no')), [])
      assert.deepEqual([...one.entriesUnder('')], [])
      assert.deepEqual([...one.directoriesWithEntries('')], [])
      assert.deepEqual(one.entriesHolding(rootNamed('x')), [])
      assert.deepEqual(one.placesOf(rootNamed('x')), [])
      assert.equal(one.pieceList(rootNamed('x')), null)
      assert.deepEqual(one.findPiece(hashNamed('x')), [])
      assert.deepEqual(one.peerProgress(replicaNamed('p')), { received: 0, acknowledged: 0 })
      assert.deepEqual(one.counts(), { files: 0, bytes: 0, directories: 0, links: 0, tombstones: 0 })
      assert.equal(one.lastSequence(), 0)
    })

    recordTests(open)
    entryTests(open)
    contentTests(open)
    commitTests(open)
  })
}

function recordTests(open: () => OpenedIndex): void {
  test('every field of every kind of record comes back', () => {
    const { one, reopen } = open()
    const common = {
      version: [...versionOf('b', 7), ...versionOf('a', 2 ** 47)],
      author: replicaNamed('b'),
      orderUs: 5,
      earlier: [],
    }
    const kinds: SignedRecord[] = [
      { ...fileRecord('d/file', 'one'), previous: rootNamed('before'), size: 2 ** 52 + 1 },
      { ...common, kind: 'directory', path: path('d'), previous: null, signature: signatureNamed('1') },
      { ...common, kind: 'link', path: path('l'), previous: null, target: 'd/file', signature: signatureNamed('2') },
      { ...common, kind: 'tombstone', path: path('t'), previous: rootNamed('y'), signature: signatureNamed('3') },
      { ...fileRecord('e', 'two'), earlier: [rootNamed('before'), rootNamed('long before')] },
    ]
    one.commit(kinds.map((record) => records(record.path, record)))
    for (const openNow of [() => one, () => reopen().one]) {
      const index = openNow()
      for (const record of kinds) assert.deepEqual(plain(index.recordsOf(record.path)), plain([record]))
    }
  })

  test('a set of records replaces the one before: what stays keeps its sequence, what is new gets the next', () => {
    const { one } = open()
    const [stays, goes, comes] = [fileRecord('f', '1', 1), fileRecord('f', '2', 2), tombstone('f', '1', 3)]
    one.commit([records('f', stays, goes), records('g', fileRecord('g', '1'))])
    one.commit([records('f', comes, stays)])
    assert.deepEqual(sequences(one, 0, 10), [[1, 'f'], [3, 'g'], [4, 'f']]) // prettier-ignore
    assert.deepEqual(plain(one.recordsOf(path('f'))), plain([stays, comes]))
    one.commit([records('f'), records('g')])
    assert.deepEqual(sequences(one, 0, 10), [])
    assert.equal(one.lastSequence(), 4)
    one.commit([records('f', stays)])
    assert.equal(one.lastSequence(), 5)
  })

  test('the same set again changes nothing', () => {
    const { one } = open()
    one.commit([records('f', fileRecord('f', '1'))])
    one.commit([records('f', fileRecord('f', '1'))])
    assert.equal(one.lastSequence(), 1)
  })

  test('each folder has its own sequences', () => {
    const { one, two } = open()
    one.commit([records('f', fileRecord('f', '1')), records('g', fileRecord('g', '1'))])
    two.commit([records('h', fileRecord('h', '1'))])
    assert.equal(two.lastSequence(), 1)
    assert.deepEqual(sequences(two, 0, 10), [[1, 'h']])
    assert.deepEqual(sequences(one, 1, 10), [[2, 'g']])
    assert.deepEqual([...two.recordPaths()], ['h'])
  })

  test('10,000 records come in pages, each once and in order', () => {
    const { one } = open()
    const names = Array.from({ length: 10_000 }, (_, i) => `d${i % 7}/f${i}`)
    one.commit(names.map((name) => records(name, fileRecord(name, name))))
    const seen: string[] = []
    for (let after = 0; ;) {
      const page = one.recordsAfter(after, 999)
      seen.push(...page.map(({ record }) => record.path))
      const last = page.at(-1)
      if (last === undefined) break
      after = last.sequence
    }
    assert.deepEqual(seen, names)
    assert.deepEqual([...one.recordPaths()].sort(), [...names].sort())
  })

  test('record paths may be read while other things are committed', () => {
    const { one } = open()
    one.commit([records('a', fileRecord('a', '1')), records('b', fileRecord('b', '1'))])
    for (const at of one.recordPaths()) one.commit(entries(fileEntry(at, '1')))
    for (const entry of one.entriesUnder('')) one.commit([{ op: 'forget-entry', path: entry.path }])
    assert.equal(one.counts().files, 0)
  })
}

function entryTests(open: () => OpenedIndex): void {
  test('every kind of entry comes back, and the last one put counts', () => {
    const { one, reopen } = open()
    const kinds = [fileEntry('f', '1'), directoryEntry('d'), linkEntry('l', 'd/x'), absentEntry('gone')]
    one.commit(entries(...kinds))
    const again = reopen().one
    for (const entry of kinds) assert.deepEqual(again.entry(entry.path), entry)
    again.commit(entries(directoryEntry('f'), fileEntry('d', '2')))
    assert.deepEqual(again.entry(path('f')), directoryEntry('f'))
    assert.deepEqual(again.entry(path('d')), fileEntry('d', '2'))
  })

  test('numbers of odd filesystems come back: inodes above 2^63, times before 1970 and far away', () => {
    const { one } = open()
    const odd = { ...fileEntry('odd', '1'), inode: 2 ** 63 + 4096, mtimeUs: -1, ctimeUs: 2 ** 63 }
    one.commit(entries(odd))
    assert.deepEqual(one.entry(odd.path), odd)
  })

  test('a directory lists its own children only, by bytes, without the absent ones', () => {
    const { one } = open()
    const names = ['d/b', 'd/a', 'd/ab/c', 'd.x/y', 'd0/z', 'e', 'd/é', 'd/z']
    one.commit([
      ...names.map((n) => ({ op: 'entry', entry: fileEntry(n, n) }) as const),
      ...entries(absentEntry('d/x')),
    ])
    assert.deepEqual(paths(one.entriesIn(path('d'))), ['d/a', 'd/b', 'd/z', 'd/é'])
    assert.deepEqual(paths(one.entriesIn('')), ['e'])
    assert.deepEqual(paths(one.entriesUnder(path('d'))), ['d/a', 'd/b', 'd/z', 'd/é', 'd/ab/c'])
    assert.deepEqual(paths(one.entriesUnder('')).sort(), [...names].sort())
    assert.deepEqual([...one.directoriesWithEntries('')], ['', 'd', 'd.x', 'd/ab', 'd0'])
    assert.deepEqual([...one.directoriesWithEntries(path('d'))], ['d', 'd/ab'])
  })

  test('a directory of which all is absent holds no entries', () => {
    const { one } = open()
    one.commit(entries(absentEntry('d/x')))
    assert.deepEqual([...one.directoriesWithEntries('')], [])
  })

  test('strange names stay themselves, as names and as directories', () => {
    const { one, two, reopen } = open()
    for (const name of STRANGE_NAMES) {
      const list = [fileEntry(name, name), fileEntry(`in/${name}/f`, name), directoryEntry(`in/${name}`)]
      one.commit([...entries(...list), records(name, fileRecord(name, name))])
    }
    two.commit(entries(fileEntry('other', '1')))
    const again = reopen().one
    for (const name of STRANGE_NAMES) {
      assert.deepEqual(again.entry(path(name)), fileEntry(name, name))
      assert.deepEqual(paths(again.entriesUnder(path(`in/${name}`))), [`in/${name}/f`])
      assert.deepEqual(plain(again.recordsOf(path(name))), plain([fileRecord(name, name)]))
    }
    assert.deepEqual(paths(again.entriesIn('')), [...STRANGE_NAMES].sort(byBytes))
    assert.equal(paths(again.entriesUnder('')).length, STRANGE_NAMES.length * 3)
    assert.deepEqual([...again.recordPaths()], [...STRANGE_NAMES].sort(byBytes))
  })

  test('counts follow every change, whatever turns into what', () => {
    const { one, two } = open()
    one.commit([...entries(fileEntry('f', '1', 10), fileEntry('g', '1', 5), directoryEntry('d'), linkEntry('l', 'f'))])
    assert.deepEqual(one.counts(), { files: 2, bytes: 15, directories: 1, links: 1, tombstones: 0 })
    one.commit([
      ...entries(fileEntry('f', '2', 7), absentEntry('g'), linkEntry('d', 'f')),
      records('g', tombstone('g', '1')),
    ])
    assert.deepEqual(one.counts(), { files: 1, bytes: 7, directories: 0, links: 2, tombstones: 1 })
    one.commit([{ op: 'forget-entry', path: path('f') }, { op: 'forget-entry', path: path('l') }, records('g')])
    assert.deepEqual(one.counts(), { files: 0, bytes: 0, directories: 0, links: 1, tombstones: 0 })
    assert.equal(two.counts().links, 0)
  })
}

function contentTests(open: () => OpenedIndex): void {
  test('a piece list comes back, and so do those of an empty and of a one-piece content', () => {
    const { one, two, reopen } = open()
    const lists = [listOf(['p1', 'p2', 'p3']), listOf([]), listOf(['only'], 1)]
    one.commit(lists.map((list, i) => ({ op: 'content', root: rootNamed(`${i}`), list }) as const))
    for (const openNow of [() => one, () => two, () => reopen().one]) {
      const index = openNow()
      lists.forEach((list, i) => assert.deepEqual(plain(index.pieceList(rootNamed(`${i}`))), plain(list)))
    }
  })

  test('a content that is only named has no piece list', () => {
    const { one } = open()
    one.commit(entries(fileEntry('f', 'named')))
    assert.equal(one.pieceList(rootNamed('named')), null)
  })

  test('a piece is found in every content that has it, with its offset and length', () => {
    const { one, two } = open()
    one.commit([{ op: 'content', root: rootNamed('A'), list: listOf(['x', 'y', 'z']) }])
    two.commit([{ op: 'content', root: rootNamed('B'), list: listOf(['z', 'y']) }])
    const at = (content: string, ordinal: number, length: number) => {
      return { root: rootNamed(content), ordinal, offset: ordinal * 128 * 1024, length }
    }
    const whole = 128 * 1024
    assert.deepEqual(one.findPiece(hashNamed('x')), [at('A', 0, whole)])
    assert.deepEqual(one.findPiece(hashNamed('y')), [at('A', 1, whole), at('B', 1, 5_000)])
    assert.deepEqual(two.findPiece(hashNamed('z')), [at('A', 2, 5_000), at('B', 0, whole)])
  })

  test('a piece that lies in a file is named before one of which only the list is here', () => {
    const { one } = open()
    one.commit([{ op: 'content', root: rootNamed('list only'), list: listOf(['x']) }])
    one.commit([{ op: 'content', root: rootNamed('here'), list: listOf(['x']) }, ...entries(fileEntry('f', 'here'))])
    assert.deepEqual(one.findPiece(hashNamed('x')).map((p) => p.root), [rootNamed('here'), rootNamed('list only')]) // prettier-ignore
  })

  test('the places of a content are those in all folders and archives; entriesHolding is of this folder', () => {
    const { one, two } = open()
    const file = {
      name: 'f.2026',
      path: path('f'),
      root: rootNamed('1'),
      size: 5,
      reason: 'deleted',
      archivedMs: 1e12,
    } as const
    one.commit([...entries(fileEntry('b', '1'), fileEntry('a', '1')), { op: 'archived', file }])
    two.commit(entries(fileEntry('c', '1'), fileEntry('d', '2')))
    assert.deepEqual(one.placesOf(rootNamed('1')), [
      { in: 'tree', folder: folderNamed('one'), entry: fileEntry('a', '1') },
      { in: 'tree', folder: folderNamed('one'), entry: fileEntry('b', '1') },
      { in: 'tree', folder: folderNamed('two'), entry: fileEntry('c', '1') },
      { in: 'archive', folder: folderNamed('one'), name: 'f.2026' },
    ])
    assert.deepEqual(one.entriesHolding(rootNamed('1')), [fileEntry('a', '1'), fileEntry('b', '1')])
    assert.deepEqual(one.archive(), [file])
    assert.deepEqual(two.archive(), [])
    one.commit([{ op: 'unarchived', name: 'f.2026' }])
    assert.deepEqual(one.archive(), [])
  })

  test('files come to the scrub by directory and name, with when each was last found right', () => {
    const { one, two, reopen } = open()
    one.commit(entries(fileEntry('z', '1'), directoryEntry('b'), fileEntry('b/f', '2', 7), linkEntry('l', 'z')))
    two.commit(entries(fileEntry('other', '1')))
    one.commit([{ op: 'verified', path: path('b/f'), root: rootNamed('2'), atMs: 1_700_000_000_999 }])
    one.commit([{ op: 'verified', path: path('z'), root: rootNamed('not this one'), atMs: 1e12 }])
    const again = reopen().one
    assert.deepEqual(
      [...again.scrubFiles()],
      [
        { path: path('z'), size: 12_345, verifiedMs: null },
        { path: path('b/f'), size: 7, verifiedMs: 1_700_000_000_000 },
      ],
    )
    assert.deepEqual(again.scrubFile(path('z')), { path: path('z'), size: 12_345, verifiedMs: null })
    assert.equal(again.scrubFile(path('l')), null)
    assert.equal(again.scrubFile(path('none/such')), null)
  })

  test('a file that holds something else counts as not read by a scrub', () => {
    const { one } = open()
    one.commit([...entries(fileEntry('f', '1')), { op: 'verified', path: path('f'), root: rootNamed('1'), atMs: 1e12 }])
    one.commit(entries({ ...fileEntry('f', '1'), mtimeUs: 5 }))
    assert.equal(one.scrubFile(path('f'))?.verifiedMs, 1e12)
    one.commit(entries(fileEntry('f', '2')))
    assert.equal(one.scrubFile(path('f'))?.verifiedMs, null)
  })

  test('the round of the scrub is kept for each folder', () => {
    const { one, two, reopen } = open()
    assert.deepEqual(one.scrubRound(), { beganMs: null, endedMs: null })
    one.commit([{ op: 'scrub-round', round: { beganMs: 1e12, endedMs: 9e11 } }])
    assert.deepEqual(two.scrubRound(), { beganMs: null, endedMs: null })
    assert.deepEqual(reopen().one.scrubRound(), { beganMs: 1e12, endedMs: 9e11 })
  })

  test('a rotten file is known until its path holds something else', () => {
    const { one, two, reopen } = open()
    const rotten = (at: string) => ({ path: path(at), badPieces: 1, pieces: 3, foundMs: 1e12 })
    const found = ['a', 'b', 'c'].flatMap((name): Change[] => [
      { op: 'entry', entry: fileEntry(name, 'rot') },
      { op: 'rotten', file: rotten(name) },
    ])
    one.commit(found)
    one.commit(entries({ ...fileEntry('a', 'rot'), mtimeUs: 5 }, fileEntry('b', 'healed')))
    one.commit([{ op: 'forget-entry', path: path('c') }])
    assert.deepEqual(two.rotten(), [])
    const again = reopen().one
    assert.deepEqual(again.rotten(), [rotten('a')])
    again.commit(entries({ ...fileEntry('a', 'rot'), version: versionOf('b', 5) }))
    assert.deepEqual(again.rotten(), [], 'announced as it is')
    again.commit([{ op: 'rotten', file: rotten('a') }])
    again.commit(entries(absentEntry('a')))
    assert.deepEqual(again.rotten(), [])
  })

  test('what the operator let go is known until its path takes up a version, and as he saw it only', () => {
    const { one, reopen } = open()
    const stat = { kind: 'file' as const, size: 7, mtimeUs: 5, ctimeUs: 5, inode: 1 }
    const approvals = (at: string) => [
      ofLength(path(at), stat),
      ofContent(path(at), rootNamed('new')),
      ofRecords(path(at), [fileRecord(at, 'new')]),
    ]
    one.commit(entries(fileEntry('d/f', '1')))
    const names = ['d/f', 'd/g', 'new/h']
    one.commit(names.flatMap(approvals).map((approval) => ({ op: 'approved', approval }) as const))
    const { one: again, two } = reopen()
    const known = () => names.map((at) => approvals(at).filter((approval) => again.isApproved(approval)).length)
    assert.deepEqual(known(), [3, 3, 3])
    assert.equal(two.isApproved(ofContent(path('d/f'), rootNamed('new'))), false)
    for (const other of [
      ofLength(path('d/f'), { ...stat, mtimeUs: 6 }),
      ofContent(path('d/f'), rootNamed('another')),
      ofRecords(path('d/f'), [fileRecord('d/f', 'new', 9)]),
    ])
      assert.equal(again.isApproved(other), false)
    again.commit(entries({ ...fileEntry('d/f', '1'), mtimeUs: 5 }))
    assert.deepEqual(known(), [3, 3, 3])
    again.commit(entries({ ...fileEntry('d/f', '1'), version: versionOf('b', 5) }, fileEntry('new/h', '1')))
    assert.deepEqual(known(), [0, 3, 0])
  })

  test('the progress of peers is kept for each folder', () => {
    const { one, two, reopen } = open()
    const peer = replicaNamed('p')
    one.commit([{ op: 'received', peer, sequence: 5 }, { op: 'acknowledged', peer, sequence: 9 }]) // prettier-ignore
    one.commit([{ op: 'received', peer, sequence: 6 }])
    two.commit([{ op: 'acknowledged', peer: replicaNamed('q'), sequence: 1 }])
    const again = reopen()
    assert.deepEqual(again.one.peerProgress(peer), { received: 6, acknowledged: 9 })
    assert.deepEqual(again.one.knownPeers(), [peer])
    assert.deepEqual(again.two.knownPeers(), [replicaNamed('q')])
  })
}

function commitTests(open: () => OpenedIndex): void {
  /** A change that fails at the very end: its signature is too short. */
  const bad = () => records('bad', { ...fileRecord('bad', 'x'), signature: new Uint8Array(3) })

  test('a change that fails takes the whole batch with it', () => {
    const { one, reopen } = open()
    one.commit([...entries(fileEntry('before', '1')), records('before', fileRecord('before', '1'))])
    const batch = [
      ...entries(fileEntry('new', '2'), absentEntry('before')),
      records('new', fileRecord('new', '2')),
      records('before'),
      { op: 'content', root: rootNamed('2'), list: listOf(['p']) },
      { op: 'received', peer: replicaNamed('p'), sequence: 3 },
      bad(),
    ] as const
    assert.throws(() => one.commit(batch))
    for (const openNow of [() => one, () => reopen().one]) {
      const index = openNow()
      assert.deepEqual(paths(index.entriesUnder('')), ['before'])
      assert.deepEqual(sequences(index, 0, 10), [[1, 'before']])
      assert.equal(index.lastSequence(), 1)
      assert.equal(index.pieceList(rootNamed('2')), null)
      assert.deepEqual(index.findPiece(hashNamed('p')), [])
      assert.deepEqual(index.knownPeers(), [])
      assert.equal(index.counts().files, 1)
    }
  })

  test('what is committed together is kept together, or not at all', () => {
    const { one, two } = open()
    const sum = one.together(() => {
      one.commit(entries(fileEntry('a', '1')))
      two.commit(entries(fileEntry('b', '1')))
      return one.counts().files + two.counts().files
    })
    assert.equal(sum, 2)
    assert.throws(() =>
      one.together(() => {
        one.commit(entries(fileEntry('c', '1')))
        one.commit([bad()])
      }),
    )
    assert.deepEqual(paths(one.entriesUnder('')), ['a'])
  })

  test('a directory that an undone transaction knew first is made anew by the next, in every folder', () => {
    const { one, two, reopen } = open()
    const both = () => {
      one.commit(entries(fileEntry('new/a', '1')))
      two.commit(entries(fileEntry('new/b', '1')))
    }
    assert.throws(() =>
      one.together(() => {
        both()
        throw new Error('undone')
      }),
    )
    two.commit(entries(fileEntry('elsewhere/c', '1'))) // takes the number that was free again
    one.together(both)
    const again = reopen()
    assert.deepEqual(paths(again.one.entriesUnder('')), ['new/a'])
    assert.deepEqual(paths(again.two.entriesUnder('')), ['elsewhere/c', 'new/b'])
  })
}

const paths = (list: Iterable<Entry>) => [...list].map((entry) => entry.path as string)

function sequences(index: FolderIndex, after: number, limit: number): (number | string)[][] {
  return index.recordsAfter(after, limit).map(({ sequence, record }) => [sequence, record.path])
}

/** Buffers and byte arrays of equal bytes as equal. */
function plain(value: unknown): unknown {
  return JSON.parse(
    JSON.stringify(value, (_key, v: unknown) => (isBytes(v) ? Buffer.from(v as never).toString('hex') : v)),
  )
}

function isBytes(value: unknown): boolean {
  return (
    value instanceof Uint8Array ||
    (typeof value === 'object' && value !== null && 'type' in value && value.type === 'Buffer')
  )
}
