import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { type Entry } from '../../src/sync/entry.ts'
import { type Observed } from '../../src/sync/local-record.ts'
import { joinedVersion, losersOf, mergeRecords, winnerOf } from '../../src/sync/merge.ts'
import { type Decision, isOfPool, reconcile, reconcileUnindexed } from '../../src/sync/reconcile.ts'
import { contentHash, contentKey, type SignedRecord } from '../../src/sync/record.ts'
import { anyRecord, directory, entryOf, file, link, root, tombstone, version } from './record-samples.ts'

const nothing: Decision = { do: 'nothing' }

/** Each kind as an older state that the winner dominates, as a loser, and as the winner. */
const kinds = ['file', 'directory', 'link', 'tombstone'] as const
type Kind = (typeof kinds)[number]

function sample(kind: Kind, versionText: string, content: string, orderUs = 0): SignedRecord {
  if (kind === 'file') return file(versionText, content, { orderUs })
  if (kind === 'link') return link(versionText, content, { orderUs })
  return kind === 'directory' ? directory(versionText, { orderUs }) : tombstone(versionText, { orderUs })
}

const doing = { file: 'fetch', directory: 'make-directory', link: 'make-link', tombstone: 'archive' } as const

for (const here of kinds) {
  for (const there of kinds) {
    const sameContent = here === there && (here === 'directory' || here === 'tombstone')
    const replaced = here === 'tombstone' ? 'nothing' : 'newer'

    test(`a ${here} here, a newer ${there} there`, () => {
      const winner = sample(there, 'a1 b1', '2')
      const decision = reconcile(entryOf(sample(here, 'a1', '1')), [winner])
      const taken = { winner, version: version('a1 b1') }
      if (sameContent) assert.deepEqual(decision, { do: 'adopt', ...taken, mtimeUs: null })
      else if (there === 'tombstone') assert.deepEqual(decision, { do: 'archive', ...taken })
      else assert.deepEqual(decision, { do: doing[there], ...taken, replaces: replaced })
    })

    // A tombstone never wins over a live record.
    if (there !== 'tombstone' || here === 'tombstone')
      test(`a ${here} here, a concurrent ${there} there that wins`, () => {
        const ours = sample(here, 'a1', '1')
        const winner = sample(there, 'b1', '2', 9)
        const decision = reconcile(entryOf(ours), mergeRecords([ours], [winner]))
        const taken = { winner, version: version('a1 b1') }
        if (sameContent) assert.deepEqual(decision, { do: 'adopt', ...taken, mtimeUs: null })
        else {
          const replaces = here === 'tombstone' ? 'nothing' : 'conflict'
          assert.deepEqual(decision, { do: doing[there], ...taken, replaces })
        }
      })

    if (here !== 'tombstone' || there === 'tombstone')
      test(`a ${here} here that wins over a concurrent ${there}`, () => {
        const winner = sample(here, 'a1', '1', 9)
        const decision = reconcile(entryOf(winner), mergeRecords([winner], [sample(there, 'b1', '2')]))
        assert.deepEqual(decision, { do: 'adopt', winner, version: version('a1 b1'), mtimeUs: null })
      })
  }

  test(`no entry here, a ${here} there`, () => {
    const winner = sample(here, 'a1', '1')
    const decision = reconcile(null, [winner])
    const taken = { winner, version: version('a1') }
    if (here === 'tombstone') assert.deepEqual(decision, { do: 'adopt', ...taken, mtimeUs: null })
    else assert.deepEqual(decision, { do: doing[here], ...taken, replaces: 'nothing' })
  })

  test(`a ${here} here that is up to date, or ahead`, () => {
    const record = sample(here, 'a1 b1', '1')
    assert.deepEqual(reconcile(entryOf(record), [record]), nothing)
    assert.deepEqual(reconcile({ ...entryOf(record), version: version('a2 b1') }, [record]), nothing)
  })
}

const touched = file('a2', '1', { mtimeUs: 5 })
const cases: { name: string; entry: Entry | null; records: SignedRecord[]; decision: Decision }[] = [
  { name: 'a path that no one knows', entry: null, records: [], decision: nothing },
  { name: 'an entry that no record speaks of', entry: entryOf(file('a1', '1')), records: [], decision: nothing },
  {
    name: 'a touched file only gets its new mtime',
    entry: entryOf(file('a1', '1')),
    records: [touched],
    decision: { do: 'adopt', winner: touched, version: version('a2'), mtimeUs: 5 },
  },
  {
    name: 'the same content with the same mtime only gets the version',
    entry: entryOf(file('a1', '1')),
    records: [file('a1', '1'), file('b1', '1')],
    decision: { do: 'adopt', winner: file('b1', '1'), version: version('a1 b1'), mtimeUs: null },
  },
  {
    name: 'a link to another target is made anew',
    entry: entryOf(link('a1', 'x')),
    records: [link('a2', 'y')],
    decision: { do: 'make-link', winner: link('a2', 'y'), version: version('a2'), replaces: 'newer' },
  },
  {
    name: 'the version covers what this host knew and no record says',
    entry: { ...entryOf(file('a1', '1')), version: version('a1 c7') },
    records: [file('a2', '2')],
    decision: { do: 'fetch', winner: file('a2', '2'), version: version('a2 c7'), replaces: 'newer' },
  },
  {
    name: 'a loser that this host never held is not fetched',
    entry: null,
    records: [file('a1', '1'), file('b1', '2')],
    decision: { do: 'fetch', winner: file('b1', '2'), version: version('a1 b1'), replaces: 'nothing' },
  },
  {
    name: 'what a concurrent record names as its previous content is replaced without a conflict',
    entry: entryOf(file('a1', '1', { orderUs: 9 })),
    records: [file('a1', '1', { orderUs: 9 }), file('b1', '2', { previous: root('1') })],
    decision: {
      do: 'fetch',
      winner: file('b1', '2', { previous: root('1') }),
      version: version('a1 b1'),
      replaces: 'newer',
    },
  },
  {
    name: 'what a concurrent tombstone names as deleted is archived',
    entry: entryOf(file('a1', '1')),
    records: [file('a1', '1'), tombstone('b1', { previous: root('1') })],
    decision: { do: 'archive', winner: tombstone('b1', { previous: root('1') }), version: version('a1 b1') },
  },
  {
    name: 'a file that was deleted here comes back when another host has changed it at the same time',
    entry: entryOf(tombstone('a2')),
    records: [tombstone('a2', { previous: root('1') }), file('a1 b1', '2', { previous: root('1') })],
    decision: {
      do: 'fetch',
      winner: file('a1 b1', '2', { previous: root('1') }),
      version: version('a2 b1'),
      replaces: 'nothing',
    },
  },
]
for (const { name, entry, records, decision } of cases) {
  test(`reconcile: ${name}`, () => assert.deepEqual(reconcile(entry, mergeRecords([], records)), decision))
}

const seen = (content: string, mtimeUs = 0): Observed => ({ kind: 'file', size: 1, mtimeUs, root: root(content) })
const unindexed: {
  name: string
  observed: Observed
  records: SignedRecord[]
  decision: Decision | { do: 'announce' }
}[] = [
  { name: 'what no record speaks of is announced', observed: seen('1'), records: [], decision: { do: 'announce' } },
  {
    name: 'the content of the winner is adopted, with its mtime',
    observed: seen('1', 3),
    records: [file('a1', '1', { mtimeUs: 5 })],
    decision: { do: 'adopt', winner: file('a1', '1', { mtimeUs: 5 }), version: version('a1'), mtimeUs: 5 },
  },
  {
    name: 'a directory that the pool has is adopted',
    observed: { kind: 'directory' },
    records: [directory('a1')],
    decision: { do: 'adopt', winner: directory('a1'), version: version('a1'), mtimeUs: null },
  },
  {
    name: 'what a tombstone deleted is archived and not announced again',
    observed: seen('1'),
    records: [tombstone('a2', { previous: root('1') })],
    decision: { do: 'archive', winner: tombstone('a2', { previous: root('1') }), version: version('a2') },
  },
  {
    name: 'what lay here long before a deletion is archived too',
    observed: seen('1'),
    records: [tombstone('a2', { previous: root('2'), earlier: [root('1')] })],
    decision: {
      do: 'archive',
      winner: tombstone('a2', { previous: root('2'), earlier: [root('1')] }),
      version: version('a2'),
    },
  },
  {
    name: 'a link that was deleted does not come back',
    observed: { kind: 'link', target: 'x' },
    records: [tombstone('a2', { previous: contentHash(link('a1', 'x')) })],
    decision: {
      do: 'archive',
      winner: tombstone('a2', { previous: contentHash(link('a1', 'x')) }),
      version: version('a2'),
    },
  },
  {
    name: 'another link than the one that was deleted is announced',
    observed: { kind: 'link', target: 'y' },
    records: [tombstone('a2', { previous: contentHash(link('a1', 'x')) })],
    decision: { do: 'announce' },
  },
  {
    name: 'a directory where a link was deleted is announced',
    observed: { kind: 'directory' },
    records: [tombstone('a2', { previous: contentHash(link('a1', 'x')) })],
    decision: { do: 'announce' },
  },
  {
    name: 'a content that a tombstone does not name is announced',
    observed: seen('2'),
    records: [tombstone('a2', { previous: root('1') })],
    decision: { do: 'announce' },
  },
  {
    name: 'a directory where one was deleted does not come back',
    observed: { kind: 'directory' },
    records: [tombstone('a2')],
    decision: { do: 'archive', winner: tombstone('a2'), version: version('a2') },
  },
  {
    name: 'a directory where a file was deleted is announced',
    observed: { kind: 'directory' },
    records: [tombstone('a2', { previous: root('1') })],
    decision: { do: 'announce' },
  },
  {
    name: 'what the winner replaced is replaced here too',
    observed: seen('1'),
    records: [file('a2', '2', { previous: root('1') })],
    decision: {
      do: 'fetch',
      winner: file('a2', '2', { previous: root('1') }),
      version: version('a2'),
      replaces: 'newer',
    },
  },
  {
    name: 'a content that lost a conflict gives way as a conflict',
    observed: seen('1'),
    records: [file('a1', '1'), file('b1', '2')],
    decision: { do: 'fetch', winner: file('b1', '2'), version: version('a1 b1'), replaces: 'conflict' },
  },
  {
    name: 'a third content is announced beside the others',
    observed: seen('3'),
    records: [file('a1', '1'), file('b1', '2')],
    decision: { do: 'announce' },
  },
  {
    name: 'absence is no deletion: the file is fetched',
    observed: { kind: 'absent' },
    records: [file('a1', '1')],
    decision: { do: 'fetch', winner: file('a1', '1'), version: version('a1'), replaces: 'nothing' },
  },
  { name: 'absence that no record speaks of is nothing', observed: { kind: 'absent' }, records: [], decision: nothing },
]
for (const { name, observed, records, decision } of unindexed) {
  test(`without an entry: ${name}`, () => {
    assert.deepEqual(reconcileUnindexed(observed, mergeRecords([], records)), decision)
  })
}

const ours = entryOf(file('a1', '1'))
interface Interrupted {
  readonly name: string
  readonly entry?: Entry
  readonly observed: Observed
  readonly records: readonly SignedRecord[]
  readonly isOfPool: boolean
}
const interrupted: readonly Interrupted[] = [
  { name: 'what is to come', observed: seen('2'), records: [file('b2', '2')], isOfPool: true },
  {
    name: 'what was to come, and has been replaced since',
    observed: seen('2'),
    records: [file('b2', '3', { previous: root('2') })],
    isOfPool: true,
  },
  {
    name: 'what was to come, and has been replaced and deleted since',
    observed: seen('2'),
    records: [tombstone('b2', { previous: root('3'), earlier: [root('2')] })],
    isOfPool: true,
  },
  { name: 'what a user wrote meanwhile', observed: seen('9'), records: [file('b2', '2')], isOfPool: false },
  {
    name: 'an old content that a user brings back, knowing the newer one',
    observed: seen('0'),
    records: [file('a1', '1', { previous: root('0') })],
    isOfPool: false,
  },
  {
    name: 'a link that is to come',
    observed: { kind: 'link', target: 'x' },
    records: [link('b2', 'x')],
    isOfPool: true,
  },
  {
    name: 'a link that was to come, and has been deleted since',
    observed: { kind: 'link', target: 'x' },
    records: [tombstone('b2', { previous: contentHash(link('b1', 'x')) })],
    isOfPool: true,
  },
  { name: 'a directory that is to come', observed: { kind: 'directory' }, records: [directory('b2')], isOfPool: true },
  {
    name: 'a directory where another host deleted one',
    observed: { kind: 'directory' },
    records: [tombstone('b2')],
    isOfPool: false,
  },
  {
    name: 'a directory that was to come where nothing was, and has been deleted since',
    entry: entryOf(tombstone('a1')),
    observed: { kind: 'directory' },
    records: [tombstone('b2')],
    isOfPool: true,
  },
  {
    name: 'a directory that is made again where this host knows of its deletion',
    entry: entryOf(tombstone('a1')),
    observed: { kind: 'directory' },
    records: [tombstone('a1')],
    isOfPool: false,
  },
]
for (const { name, entry = ours, observed, records, isOfPool: expected } of interrupted) {
  test(`other than the entry says, ${name} is ${expected ? 'the pool’s' : 'a change of this host'}`, () => {
    assert.equal(isOfPool(entry, observed, records), expected)
  })
}

const anySet = fc.array(anyRecord, { maxLength: 5 }).map((records) => mergeRecords([], records))
const anyEntry = fc.option(anyRecord.map((record) => entryOf(record)))

/** What lies under the path when a decision has been carried out. */
function carriedOut(entry: Entry | null, decision: Decision): Entry | null {
  return decision.do === 'nothing' ? entry : { ...entryOf(decision.winner), version: decision.version }
}

test('carried out, a decision leaves nothing to do', () => {
  fc.assert(
    fc.property(anyEntry, anySet, (entry, records) => {
      const after = carriedOut(entry, reconcile(entry, records))
      assert.deepEqual(reconcile(after, records), nothing)
    }),
    { numRuns: 1000 },
  )
})

test('only what lies here already is adopted, and a conflict is called one exactly for a loser', () => {
  fc.assert(
    fc.property(anyEntry, anySet, (entry, records) => {
      const decision = reconcile(entry, records)
      if (decision.do === 'nothing') return
      const here = entry ?? { kind: 'absent' as const }
      assert.deepEqual(decision.winner, winnerOf(records))
      if (decision.do === 'adopt') {
        const wanted = decision.winner.kind === 'tombstone' ? 'absent' : contentKey(decision.winner)
        assert.equal(contentKey(here), wanted)
      } else if (decision.do !== 'archive') {
        const lost = losersOf(records).some((loser) => contentKey(loser) === contentKey(here))
        assert.equal(decision.replaces === 'conflict', lost)
        assert.equal(decision.replaces === 'nothing', here.kind === 'absent')
      }
    }),
    { numRuns: 1000 },
  )
})

test('without an entry, the same holds: nothing to do after, and never a file away that no record knows', () => {
  fc.assert(
    fc.property(anyRecord, anySet, (record, records) => {
      const entry = entryOf(record)
      const decision = reconcileUnindexed(entry, records)
      const isKnown = records.some(
        (known) =>
          contentKey(known) === contentKey(entry) ||
          (contentHash(entry) !== null && [known.previous, ...known.earlier].includes(contentHash(entry))) ||
          (entry.kind === 'directory' && known.kind === 'tombstone' && known.previous === null),
      )
      if (entry.kind !== 'absent') assert.equal(decision.do === 'announce', !isKnown)
      if (decision.do === 'announce' || decision.do === 'nothing') return
      assert.deepEqual(decision.version, joinedVersion(records))
      assert.deepEqual(reconcile(carriedOut(null, decision), records), nothing)
    }),
    { numRuns: 1000 },
  )
})
