import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { fromHex, type RootHash } from '../../src/base/brand.ts'
import { PiecePicker } from '../../src/sync/piece-picker.ts'
import { sharesOf } from '../../src/sync/shares.ts'

const BYTES = 100
const ALL = 1e9
const seed: RootHash = fromHex('cd'.repeat(32))

function picker(count: number, self = 'me'): PiecePicker {
  return new PiecePicker({ count, lengthOf: () => BYTES, self, seed })
}

/** A picker of `count` pieces with a source that has all, and these receivers that have nothing yet. */
function inSwarm(count: number, receivers: readonly string[], self = 'me'): PiecePicker {
  const made = picker(count, self)
  made.peerHas('source', { all: true })
  made.setReceivers(receivers.map((peer) => ({ peer, near: true })))
  return made
}

function upTo(count: number): number[] {
  return [...Array(count).keys()]
}

const ascending = (a: number, b: number) => a - b

function hurried(made: PiecePicker, peer: string): number[] {
  made.pick(peer, ALL, true) // the first only notes how far the swarm is
  return made.pick(peer, ALL, true)
}

test('From one source, everything is asked in the order of the file and within the bytes given', () => {
  const made = inSwarm(10, [])
  assert.deepEqual(made.pick('source', 4 * BYTES + 99), [0, 1, 2, 3])
  assert.deepEqual(made.pick('source', ALL), [4, 5, 6, 7, 8, 9])
  assert.deepEqual(made.pick('source', ALL), [])
})

test('What is here counts as got, is told in the bitmap and not asked for', () => {
  const made = inSwarm(10, [])
  made.gotPiece(0)
  made.gotPiece(9)
  made.gotPiece(9)
  assert.deepEqual([made.missing, made.missingBytes, made.has(9), made.has(1)], [8, 8 * BYTES, true, false])
  assert.deepEqual([...made.bitmap()], [1, 2])
  assert.deepEqual(made.pick('source', ALL), [1, 2, 3, 4, 5, 6, 7, 8])
})

const nothing = [
  { name: 'a peer that has told nothing', peer: 'stranger' },
  { name: 'a peer that has nothing', peer: 'empty' },
  { name: 'a peer that is gone', peer: 'gone' },
]
for (const { name, peer } of nothing) {
  test(`Nothing is asked of ${name}`, () => {
    const made = picker(5)
    made.peerHas('empty', { all: false, bitmap: new Uint8Array(1) })
    made.peerHas('gone', { all: true })
    made.peerGone('gone')
    assert.deepEqual(made.pick(peer, ALL, true), [])
  })
}

test('What was asked of a peer that goes away is asked of another', () => {
  const made = inSwarm(6, [])
  made.peerHas('second', { all: true })
  assert.deepEqual(made.pick('source', 3 * BYTES), [0, 1, 2])
  made.peerGone('source')
  assert.deepEqual(made.pick('second', ALL), upTo(6))
})

test('A refused piece is asked of others only, a released one of the same peer again', () => {
  const made = inSwarm(3, [])
  made.peerHas('second', { all: false, bitmap: Uint8Array.of(0b001) })
  made.pick('source', ALL)
  made.refused('source', 0)
  made.released('source', 1)
  assert.deepEqual(made.pick('source', ALL), [1])
  assert.deepEqual(made.pick('second', ALL), [0])
})

test('A piece at the front that is released is found again', () => {
  const made = inSwarm(200, [])
  for (const ordinal of made.pick('source', 150 * BYTES)) if (ordinal !== 3) made.received(ordinal, 'source')
  made.pick('source', BYTES)
  made.released('source', 3)
  assert.deepEqual(made.pick('source', BYTES), [3])
})

test('What the only receiver who told of it refuses is fetched as what no receiver has', () => {
  const made = inSwarm(40, ['a'])
  made.peerGained('a', upTo(40))
  made.pick('a', ALL)
  for (const ordinal of upTo(40)) made.refused('a', ordinal)
  assert.deepEqual(made.pick('a', ALL), [])
  const own = sharesOf(40, seed, ['a', 'me'], 'me').of.get('me')
  const firstOwn = upTo(40).filter((ordinal) => own?.has(ordinal))[0]
  assert.deepEqual(made.pick('source', BYTES), [firstOwn])
})

test('A late refusal by a peer that is gone changes nothing', () => {
  const made = inSwarm(3, [])
  made.pick('source', ALL)
  made.peerGone('source')
  made.refused('source', 0)
  made.released('source', 1)
  made.peerHas('second', { all: true })
  assert.deepEqual(made.pick('second', ALL), [0, 1, 2])
})

test('Receivers that see each other ask the source for disjoint shares that make up the whole', () => {
  const hosts = ['a', 'b', 'c']
  const asked = hosts.map((self) =>
    inSwarm(
      40,
      hosts.filter((host) => host !== self),
      self,
    ).pick('source', ALL),
  )
  assert.deepEqual(
    asked.flat().sort((a, b) => a - b),
    upTo(40),
  )
  for (const share of asked)
    assert.deepEqual(
      share,
      share.toSorted((a, b) => a - b),
    )
})

test('What a receiver has is asked of it, and of the source only when it has more than it can send', () => {
  const made = inSwarm(80, ['a'])
  made.peerGained('a', upTo(80))
  assert.deepEqual(made.pick('source', ALL), [])
  assert.deepEqual(made.pick('a', 10 * BYTES), upTo(10))
  const helped = made.pick('source', ALL)
  assert.equal(helped.length, 80 - 10 - 16)
  assert.deepEqual(made.pick('source', ALL), [])
})

test('Of a receiver, the rarest pieces are asked first', () => {
  const made = inSwarm(6, ['a', 'b', 'c'])
  made.peerGained('a', [0, 1, 2, 3, 4])
  made.peerGained('b', [0, 1, 3])
  made.peerGained('c', [0])
  assert.deepEqual(made.pick('a', ALL), [2, 4, 1, 3, 0])
})

test('When a receiver leaves, its share is ours', () => {
  const made = inSwarm(40, ['a'])
  const own = made.pick('source', ALL)
  made.peerGone('a')
  made.setReceivers([])
  assert.deepEqual(
    [...own, ...made.pick('source', ALL)].sort((a, b) => a - b),
    upTo(40),
  )
})

test('Who is done with its share steals from the end of the largest, but leaves what may be under way', () => {
  const made = inSwarm(400, ['a'])
  const shareOfA = upTo(400).filter((ordinal) => sharesOf(400, seed, ['a', 'me'], 'me').of.get('a')?.has(ordinal))
  for (const ordinal of upTo(400)) if (!shareOfA.includes(ordinal)) made.gotPiece(ordinal)
  const stolen: number[] = []
  for (let asked = [0]; asked.length > 0; stolen.push(...asked)) {
    asked = made.pick('source', 4 * BYTES)
    for (const ordinal of asked) made.gotPiece(ordinal)
  }
  assert.deepEqual(stolen, shareOfA.toReversed().slice(0, stolen.length))
  assert.equal(made.missing, 16 + 4)
})

test('Who fetched much that no receiver has taken yet fetches no more of the source', () => {
  const made = inSwarm(2000, ['a'])
  let fetched = 0
  for (;;) {
    const asked = made.pick('source', 8 * BYTES)
    if (asked.length === 0) break
    for (const ordinal of asked) made.received(ordinal, 'source')
    fetched += asked.length
  }
  assert.ok(fetched >= 16 && fetched <= 64, `${fetched} fetched`)
  made.peerGained('a', upTo(2000))
  made.peerHas('b', { all: true })
  assert.ok(made.pick('a', ALL).length > 0)
})

test('A swarm that was fetched alone does not hold back when a receiver joins', () => {
  const made = inSwarm(2000, [])
  for (let i = 0; i < 100; i++) for (const ordinal of made.pick('source', 5 * BYTES)) made.received(ordinal, 'source')
  made.setReceivers([{ peer: 'a', near: true }])
  assert.ok(made.pick('source', 10 * BYTES).length > 0)
})

test('In a hurry, a share whose owner is stuck is taken over piece by piece', () => {
  const made = inSwarm(12, ['a'])
  const own = made.pick('source', ALL)
  for (const ordinal of own) made.received(ordinal, 'source')
  assert.deepEqual(made.pick('source', ALL), [])
  const first = hurried(made, 'source')
  for (const ordinal of first) made.received(ordinal, 'source')
  const rest = hurried(made, 'source')
  for (const ordinal of rest) made.received(ordinal, 'source')
  assert.equal(made.missing, 0)
})

test('Of what nobody waits for a source is asked for our share alone, whatever else it has, and none for it twice', () => {
  const [mine, theirs] = ['me', 'a'].map((self) => {
    const made = new PiecePicker({ count: 12, lengthOf: () => BYTES, self, seed, patient: true })
    made.peerHas('source', { all: true })
    made.setReceivers([{ peer: self === 'me' ? 'a' : 'me', near: true }])
    return made
  })
  const share = mine!.pick('source', ALL)
  for (const ordinal of share) mine!.received(ordinal, 'source')
  assert.deepEqual(hurried(mine!, 'source'), [])
  mine!.hasten('a')
  assert.deepEqual(hurried(mine!, 'source'), [])
  const rest = theirs!.pick('source', ALL)
  assert.deepEqual([...share, ...rest].toSorted(ascending), upTo(12))
  mine!.setReceivers([])
  assert.deepEqual(mine!.pick('source', ALL), [], 'what one has that is ready need not leave the source again')
  mine!.peerGone('a')
  assert.deepEqual(mine!.pick('source', ALL), rest.toSorted(ascending))
  mine!.peerHas('second', { all: true })
  assert.deepEqual(hurried(mine!, 'second'), [])
  mine!.hasten('second')
  assert.deepEqual(hurried(mine!, 'second').toSorted(ascending), rest.toSorted(ascending))
})

test('There is no hurry while the peer has something to deliver, nor while new pieces spread', () => {
  const made = inSwarm(12, ['a'])
  const own = made.pick('source', ALL)
  assert.deepEqual(hurried(made, 'source'), [])
  for (const ordinal of own) made.received(ordinal, 'source')
  assert.deepEqual(made.pick('source', ALL, true), [])
  const missing = upTo(12).filter((ordinal) => !made.has(ordinal))
  made.peerGained('a', missing.slice(0, 1))
  assert.deepEqual(made.pick('source', ALL, true), [])
  assert.ok(made.pick('source', ALL, true).length > 0)
})

test('A fast host does not wait for pieces to spread to one whose downlink is slow', () => {
  const made = inSwarm(1000, ['slow'])
  let asked = 0
  for (let turn = 0; turn < 100 && made.missing > 0; turn++) {
    const picked = made.pick('source', 16 * BYTES)
    asked += picked.length
    for (const ordinal of picked) made.received(ordinal, 'source')
    if (turn % 10 === 0) made.peerGained('slow', picked.slice(0, 1))
  }
  assert.ok(asked > 900, `only ${asked} of 1000 pieces were asked for without hurry`)
})

test('At the end of a large content, the last pieces are asked of a second source, of no third, and losers are told', () => {
  const made = inSwarm(640, [])
  made.peerHas('second', { all: true })
  made.peerHas('third', { all: true })
  for (const ordinal of upTo(637)) made.gotPiece(ordinal)
  assert.deepEqual(made.pick('source', ALL), [637, 638, 639])
  assert.deepEqual(made.pick('source', ALL), [])
  assert.deepEqual(made.pick('second', ALL), [637, 638, 639])
  assert.deepEqual(made.pick('third', ALL), [])
  assert.deepEqual(made.received(637, 'second'), ['source'])
  assert.deepEqual(made.received(637, 'source'), [])
  made.peerGone('source')
  assert.deepEqual(made.pick('third', ALL), [638, 639])
})

test('A small content is not asked twice without hurry', () => {
  const made = inSwarm(3, [])
  made.peerHas('second', { all: true })
  made.pick('source', ALL)
  assert.deepEqual(made.pick('second', ALL), [])
  assert.deepEqual(hurried(made, 'second'), [0, 1, 2])
})

test('Of a far receiver only our part of the site is asked, and nothing that a near one has', () => {
  const made = picker(60)
  made.setReceivers([
    { peer: 'near', near: true },
    { peer: 'far', near: false },
  ])
  made.peerHas('far', { all: true })
  made.peerGained('near', [0, 1, 2, 3, 4, 5, 6, 7, 8, 9])
  const asked = made.pick('far', ALL)
  assert.ok(asked.length > 10 && asked.length < 45, `${asked.length} of 60`)
  assert.ok(asked.every((ordinal) => ordinal >= 10))
})

test('Whatever happens, nothing that is here is asked for, and nothing more than twice', () => {
  const peer = fc.constantFrom('p', 'q', 'r')
  const step = fc.oneof(
    fc.record({ do: fc.constant('pick'), peer, n: fc.nat(20), hurry: fc.boolean() }),
    fc.record({
      do: fc.constantFrom('receive', 'refuse', 'release', 'gain', 'here'),
      peer,
      n: fc.nat(39),
      hurry: fc.boolean(),
    }),
    fc.record({ do: fc.constantFrom('gone', 'all', 'receivers'), peer, n: fc.nat(3), hurry: fc.boolean() }),
  )
  fc.assert(fc.property(fc.array(step, { maxLength: 80 }), follow), { numRuns: 300 })
})

interface Step {
  readonly do: string
  readonly peer: string
  readonly n: number
  readonly hurry: boolean
}

function follow(steps: readonly Step[]): void {
  const made = picker(40)
  const asked = new Map<string, Set<number>>(['p', 'q', 'r'].map((peer) => [peer, new Set()]))
  const forget = (ordinal: number) => asked.forEach((set) => set.delete(ordinal))
  for (const { do: what, peer, n, hurry } of steps) {
    if (what === 'pick') {
      const picked = made.pick(peer, n * BYTES, hurry)
      assert.ok(picked.length <= n && new Set(picked).size === picked.length)
      for (const ordinal of picked) {
        assert.ok(!made.has(ordinal) && !asked.get(peer)!.has(ordinal))
        asked.get(peer)!.add(ordinal)
        assert.ok([...asked.values()].filter((set) => set.has(ordinal)).length <= 2)
      }
    }
    if (what === 'receive' && asked.get(peer)!.has(n)) {
      const others = made.received(n, peer)
      assert.deepEqual(
        [...others].sort(),
        [...asked.keys()].filter((other) => other !== peer && asked.get(other)!.has(n)),
      )
      forget(n)
    }
    if (what === 'here') made.gotPiece(n)
    if (what === 'here') forget(n)
    if (what === 'refuse') made.refused(peer, n)
    if (what === 'release') made.released(peer, n)
    if (what === 'refuse' || what === 'release') asked.get(peer)!.delete(n)
    if (what === 'gain') made.peerGained(peer, [n, 99])
    if (what === 'all') made.peerHas(peer, { all: true })
    if (what === 'gone') made.peerGone(peer)
    if (what === 'gone') asked.get(peer)!.clear()
    if (what === 'receivers') made.setReceivers(['p', 'q', 'r'].slice(0, n).map((key) => ({ peer: key, near: hurry })))
  }
  assertFinishes(made)
}

/** One whole source, asked again and again in a hurry, is enough. */
function assertFinishes(made: PiecePicker): void {
  for (const peer of ['p', 'q', 'r']) made.peerGone(peer)
  made.peerHas('source', { all: true })
  for (let i = 0; i < 100 && made.missing > 0; i++)
    for (const ordinal of made.pick('source', ALL, i % 2 === 1)) made.received(ordinal, 'source')
  assert.equal(made.missing, 0)
}

/** 20 pieces have come from `fast` and one from `slow`; all others are open. */
function withSlow(count: number): PiecePicker {
  const made = inSwarm(count, ['fast', 'slow'])
  made.peerGained('fast', upTo(20))
  made.peerGained('slow', [20])
  for (const ordinal of made.pick('fast', ALL)) made.received(ordinal, 'fast')
  for (const ordinal of made.pick('slow', ALL)) made.received(ordinal, 'slow')
  return made
}

test('What a slow receiver alone has or would fetch, the others fetch from the source, each a part', () => {
  const made = withSlow(48)
  made.peerGained('slow', [30, 31, 32, 33])
  const ours = sharesOf(48, seed, ['fast', 'me'], 'me').of.get('me')!
  const slows = sharesOf(48, seed, ['fast', 'slow', 'me'], 'me').of.get('slow')!
  const wanted = upTo(48).filter((ordinal) => ordinal > 20 && ours.has(ordinal))
  assert.ok(wanted.some((ordinal) => slows.has(ordinal)) && wanted.some((ordinal) => ordinal >= 30 && ordinal < 34))
  assert.deepEqual(made.pick('source', ALL).sort(ascending), wanted)
})

test('The last pieces that a slow receiver has under way are asked of another too, and the slow one is then called off', () => {
  const made = withSlow(400)
  made.peerGained('slow', upTo(400))
  const late = made.pick('slow', ALL)
  assert.equal(late.length, 379)
  made.peerGained('fast', [60, 61])
  assert.deepEqual(made.pick('fast', ALL), [60, 61])
  assert.deepEqual(made.received(60, 'fast'), ['slow'])
})

test('Nobody is slow before there is something to compare with', () => {
  const made = inSwarm(400, ['fast', 'slow'])
  made.peerGained('fast', upTo(11))
  for (const ordinal of made.pick('fast', ALL)) made.received(ordinal, 'fast')
  made.peerGained('slow', upTo(400))
  made.pick('slow', ALL)
  made.peerGained('fast', [60, 61])
  assert.deepEqual(made.pick('fast', ALL), [])
})
