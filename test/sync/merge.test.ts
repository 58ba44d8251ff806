import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { joinedVersion, losersOf, mergeRecords, winnerOf } from '../../src/sync/merge.ts'
import { contentHash, type SignedRecord } from '../../src/sync/record.ts'
import { anyRecord, directory, file, link, permutations, root, tombstone, version } from './record-samples.ts'

const merges: { name: string; records: SignedRecord[]; left: SignedRecord[] }[] = [
  { name: 'nothing and nothing is nothing', records: [], left: [] },
  { name: 'one record is itself', records: [file('a1', '1')], left: [file('a1', '1')] },
  { name: 'the same record twice is one', records: [file('a1', '1'), file('a1', '1')], left: [file('a1', '1')] },
  { name: 'a later version replaces', records: [file('a1', '1'), file('a2', '2')], left: [file('a2', '2')] },
  { name: 'a tombstone replaces', records: [file('a1', '1'), tombstone('a1 b1')], left: [tombstone('a1 b1')] },
  { name: 'a file replaces a tombstone', records: [tombstone('a1'), file('a1 b1', '1')], left: [file('a1 b1', '1')] },
  {
    name: 'concurrent ones stay beside each other',
    records: [file('a1', '1'), file('b1', '2')],
    left: [file('a1', '1'), file('b1', '2')],
  },
  {
    name: 'one that has seen both replaces both',
    records: [file('a1', '1'), file('b1', '2'), file('a1 b1 c1', '3')],
    left: [file('a1 b1 c1', '3')],
  },
  {
    name: 'one that has seen one of two replaces that one',
    records: [file('a1', '1'), file('b1', '2'), file('a2', '3')],
    left: [file('a2', '3'), file('b1', '2')],
  },
  {
    name: 'of two that a cloned replica has made, the greater in bytes stays',
    records: [file('a1', '1'), file('a1', '2')],
    left: [file('a1', '2')],
  },
  {
    name: 'of two signatures under one record, the greater stays',
    records: [file('a1', '1'), { ...file('a1', '1'), signature: new Uint8Array(64).fill(1) }],
    left: [{ ...file('a1', '1'), signature: new Uint8Array(64).fill(1) }],
  },
]
for (const { name, records, left } of merges) {
  test(`merge: ${name}, in any order and grouping`, () => {
    for (const order of permutations(records)) {
      for (let cut = 0; cut <= order.length; cut++) {
        assert.deepEqual(mergeRecords(order.slice(0, cut), order.slice(cut)), left)
      }
    }
  })
}

const wins: { name: string; records: SignedRecord[]; winner: SignedRecord; losers?: SignedRecord[] }[] = [
  {
    name: 'a live record beats a later tombstone',
    records: [file('a1', '1'), tombstone('b1', { orderUs: 9 })],
    winner: file('a1', '1'),
  },
  {
    name: 'a directory beats a later tombstone',
    records: [directory('a1'), tombstone('b1', { orderUs: 9 })],
    winner: directory('a1'),
  },
  {
    name: 'the later order time beats the earlier one, whatever the authors',
    records: [file('a1', '1', { orderUs: 2 }), file('b1', '2', { orderUs: 1 })],
    winner: file('a1', '1', { orderUs: 2 }),
    losers: [file('b1', '2', { orderUs: 1 })],
  },
  {
    name: 'a longer history is no merit',
    records: [file('a1', '1', { orderUs: 2 }), file('b8 c9', '2', { orderUs: 1 })],
    winner: file('a1', '1', { orderUs: 2 }),
    losers: [file('b8 c9', '2', { orderUs: 1 })],
  },
  {
    name: 'at the same time the greater author wins',
    records: [file('a1', '1'), file('b1', '0')],
    winner: file('b1', '0'),
    losers: [file('a1', '1')],
  },
  {
    name: 'kinds do not matter: the later directory beats the file',
    records: [file('a1', '1', { orderUs: 1 }), directory('b1', { orderUs: 2 })],
    winner: directory('b1', { orderUs: 2 }),
    losers: [file('a1', '1', { orderUs: 1 })],
  },
  {
    name: 'kinds do not matter: the later file beats the directory',
    records: [file('a1', '1', { orderUs: 2 }), directory('b1', { orderUs: 1 })],
    winner: file('a1', '1', { orderUs: 2 }),
    losers: [directory('b1', { orderUs: 1 })],
  },
  {
    name: 'the later link beats the file',
    records: [file('a1', '1', { orderUs: 1 }), link('b1', 'x', { orderUs: 2 })],
    winner: link('b1', 'x', { orderUs: 2 }),
    losers: [file('a1', '1', { orderUs: 1 })],
  },
  {
    name: 'links to different targets are in conflict',
    records: [link('a1', 'x'), link('b1', 'y')],
    winner: link('b1', 'y'),
    losers: [link('a1', 'x')],
  },
  { name: 'equal contents join silently', records: [file('a1', '1'), file('b1', '1')], winner: file('b1', '1') },
  { name: 'two directories join silently', records: [directory('a1'), directory('b1')], winner: directory('b1') },
  {
    name: 'what replaces a content beats it, although that is later',
    records: [file('a1', '1', { orderUs: 9 }), file('b1', '2', { previous: root('1') })],
    winner: file('b1', '2', { previous: root('1') }),
  },
  {
    name: 'the end of a chain of replacements wins',
    records: [
      file('a1', '1', { orderUs: 9 }),
      file('b1', '2', { previous: root('1'), orderUs: 8 }),
      file('c1', '3', { previous: root('2') }),
    ],
    winner: file('c1', '3', { previous: root('2') }),
  },
  {
    name: 'what was left behind long ago does not come back with one who knew of nothing',
    records: [file('a1', '1', { orderUs: 9 }), file('b1', '3', { previous: root('2'), earlier: [root('1')] })],
    winner: file('b1', '3', { previous: root('2'), earlier: [root('1')] }),
  },
  {
    name: 'what was deleted long after does not either',
    records: [file('a1', '1', { orderUs: 9 }), tombstone('b1', { previous: root('2'), earlier: [root('1')] })],
    winner: tombstone('b1', { previous: root('2'), earlier: [root('1')] }),
  },
  {
    name: 'what one who knew what lay there brings back is in conflict with what another put there',
    records: [
      file('a1', '1', { previous: root('2'), orderUs: 9 }),
      file('b1', '3', { previous: root('2'), earlier: [root('1')] }),
    ],
    winner: file('a1', '1', { previous: root('2'), orderUs: 9 }),
    losers: [file('b1', '3', { previous: root('2'), earlier: [root('1')] })],
  },
  {
    name: 'a tombstone beats the content that it deleted',
    records: [file('a1', '1', { orderUs: 9 }), tombstone('b1', { previous: root('1') })],
    winner: tombstone('b1', { previous: root('1') }),
  },
  {
    name: 'a tombstone of another content does not',
    records: [file('a1', '1'), tombstone('b1', { previous: root('2'), orderUs: 9 })],
    winner: file('a1', '1'),
  },
  {
    name: 'a tombstone that deleted one of two leaves the other',
    records: [file('a1', '1', { orderUs: 9 }), file('b1', '2'), tombstone('c1', { previous: root('1') })],
    winner: file('b1', '2'),
  },
  {
    name: 'a file that deleting and replacing both began with is replaced',
    records: [file('a1', '2', { previous: root('1') }), tombstone('b1', { previous: root('1'), orderUs: 9 })],
    winner: file('a1', '2', { previous: root('1') }),
  },
  {
    name: 'a directory that replaced a file beats it',
    records: [file('a1', '1', { orderUs: 9 }), directory('b1', { previous: root('1') })],
    winner: directory('b1', { previous: root('1') }),
  },
  {
    name: 'a tombstone beats the link that it deleted',
    records: [link('a1', 'x', { orderUs: 9 }), tombstone('b1', { previous: contentHash(link('a1', 'x')) })],
    winner: tombstone('b1', { previous: contentHash(link('a1', 'x')) }),
  },
  {
    name: 'a tombstone of another link does not',
    records: [link('a1', 'y'), tombstone('b1', { previous: contentHash(link('a1', 'x')), orderUs: 9 })],
    winner: link('a1', 'y'),
  },
  {
    name: 'two that name each other are in conflict',
    records: [file('a1', '1', { previous: root('2') }), file('b1', '2', { previous: root('1') })],
    winner: file('b1', '2', { previous: root('1') }),
    losers: [file('a1', '1', { previous: root('2') })],
  },
  {
    name: 'two that name each other still stand before an earlier third',
    records: [
      file('a1', '1', { previous: root('2'), orderUs: 2 }),
      file('b1', '2', { previous: root('1'), orderUs: 3 }),
      file('c1', '3', { orderUs: 1 }),
    ],
    winner: file('b1', '2', { previous: root('1'), orderUs: 3 }),
    losers: [file('a1', '1', { previous: root('2'), orderUs: 2 }), file('c1', '3', { orderUs: 1 })],
  },
  {
    name: 'a touched file does not beat itself',
    records: [
      file('a1', '1', { previous: root('1'), mtimeUs: 5, orderUs: 5 }),
      file('b1', '1', { previous: root('1'), mtimeUs: 4, orderUs: 4 }),
    ],
    winner: file('a1', '1', { previous: root('1'), mtimeUs: 5, orderUs: 5 }),
  },
  {
    name: 'in a ring of three, none is superseded',
    records: [
      file('a1', '1', { previous: root('3'), orderUs: 3 }),
      file('b1', '2', { previous: root('1') }),
      file('c1', '3', { previous: root('2') }),
    ],
    winner: file('a1', '1', { previous: root('3'), orderUs: 3 }),
    losers: [file('b1', '2', { previous: root('1') }), file('c1', '3', { previous: root('2') })],
  },
  {
    name: 'of two tombstones the later one wins',
    records: [tombstone('a1', { orderUs: 2 }), tombstone('b1')],
    winner: tombstone('a1', { orderUs: 2 }),
  },
]
for (const { name, records, winner, losers = [] } of wins) {
  test(`winner: ${name}, in any order`, () => {
    for (const order of permutations(records)) {
      assert.deepEqual(winnerOf(order), winner)
      assert.deepEqual(losersOf(mergeRecords([], order)), losers)
    }
  })
}

test('the joined version knows what any of the records knows', () => {
  assert.deepEqual(joinedVersion([]), [])
  assert.deepEqual(joinedVersion([file('a1 b5', '1'), file('a2', '2'), tombstone('c1')]), version('a2 b5 c1'))
})

const anySet = fc.array(anyRecord, { maxLength: 5 })

test('merging is commutative, associative and idempotent', () => {
  fc.assert(
    fc.property(anySet, anySet, anySet, (x, y, z) => {
      assert.deepEqual(mergeRecords(x, y), mergeRecords(y, x))
      assert.deepEqual(mergeRecords(mergeRecords(x, y), z), mergeRecords(x, mergeRecords(y, z)))
      const merged = mergeRecords(x, y)
      assert.deepEqual(mergeRecords(merged, merged), merged)
      assert.deepEqual(mergeRecords(merged, x), merged)
    }),
    { numRuns: 500 },
  )
})

test('merging forgets nothing that a version knew', () => {
  fc.assert(fc.property(anySet, (x) => assert.deepEqual(joinedVersion(mergeRecords([], x)), joinedVersion(x))))
})

test('winner and losers do not depend on the order of the records, and share no content', () => {
  fc.assert(
    fc.property(fc.array(anyRecord, { minLength: 1, maxLength: 5 }), fc.nat(), (records, turn) => {
      const merged = mergeRecords([], records)
      const by = turn % merged.length
      const turned = [...merged.slice(by), ...merged.slice(0, by)].reverse()
      assert.deepEqual(winnerOf(turned), winnerOf(merged))
      assert.deepEqual(mergeRecords([], losersOf(turned)), losersOf(merged))
      assert.ok(!losersOf(merged).includes(winnerOf(merged)))
    }),
  )
})
