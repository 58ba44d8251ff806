import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { type FolderKeys, generateSecret, parseSecret, readOnlySecret } from '../../src/base/secret.ts'
import { MAX_UNPROVEN_FRAME_BYTES } from '../../src/net/limits.ts'
import {
  type Ends,
  ProofFailed,
  proveAsAcceptor,
  proveAsOpener,
  type Proven,
  readOpening,
  refuseUnknown,
  type Wire,
} from '../../src/net/proof-exchange.ts'
import { type End, makeHello, makeProof, proofHolds, readHello, type Side, transcript } from '../../src/net/proof.ts'

const secret = generateSecret()
const writer = keysOf(secret)
const reader = keysOf(readOnlySecret(secret))
const stranger = keysOf(generateSecret())
const ALICE = Buffer.from('alice')
const BOB = Buffer.from('bob')

function keysOf(text: string): FolderKeys {
  const keys = parseSecret(text)
  assert.ok(typeof keys !== 'string')
  return keys
}

/** Two ends of a pipe that keep what was said; `change` may tamper with it on the way. */
function pipe(change: (from: Side, frame: Uint8Array, n: number) => Uint8Array = (_from, frame) => frame) {
  const said: { from: Side; frame: Uint8Array }[] = []
  const queues = { opener: [] as Uint8Array[], acceptor: [] as Uint8Array[] }
  const waiting: { opener: ((f: Uint8Array) => void) | null; acceptor: ((f: Uint8Array) => void) | null } = {
    opener: null,
    acceptor: null,
  }
  const rejects: ((error: Error) => void)[] = []
  const end = (us: Side, them: Side): Wire => ({
    send(frame) {
      const sent = change(us, frame, said.length)
      said.push({ from: us, frame: sent })
      const waiter = waiting[them]
      waiting[them] = null
      if (waiter !== null) waiter(sent)
      else queues[them].push(sent)
    },
    next: (maxBytes) =>
      new Promise((resolve, reject) => {
        rejects.push(reject)
        const frame = queues[us].shift()
        const take = (f: Uint8Array) => (f.byteLength <= maxBytes ? resolve(f) : reject(new Error('too long')))
        if (frame !== undefined) take(frame)
        else waiting[us] = take
      }),
  })
  const hangUp = () => rejects.forEach((reject) => reject(new Error('the other side closed the stream')))
  return { opener: end('opener', 'acceptor'), acceptor: end('acceptor', 'opener'), said, hangUp }
}

interface Sides {
  readonly opener?: FolderKeys
  readonly acceptor?: FolderKeys
  readonly openerEnds?: Ends
  readonly acceptorEnds?: Ends
  readonly change?: (from: Side, frame: Uint8Array, n: number) => Uint8Array
}

async function meet(sides: Sides) {
  const wires = pipe(sides.change)
  const openerEnds = sides.openerEnds ?? { ourPeerId: ALICE, theirPeerId: BOB }
  const acceptorEnds = sides.acceptorEnds ?? { ourPeerId: BOB, theirPeerId: ALICE }
  const run = (work: Promise<Proven>) => work.catch((error: Error) => (wires.hangUp(), error))
  const accept = async () => {
    const { hello } = await readOpening(wires.acceptor)
    return proveAsAcceptor(wires.acceptor, sides.acceptor ?? writer, acceptorEnds, hello)
  }
  const opening = run(proveAsOpener(wires.opener, sides.opener ?? writer, openerEnds))
  const [opener, acceptor] = await Promise.all([opening, run(accept())])
  return { opener, acceptor, said: wires.said }
}

test('two hosts with the same secret prove it to each other, and say who may write', async () => {
  const cases = [
    ['both write', writer, writer, true, true],
    ['the opener only reads', reader, writer, true, false],
    ['the acceptor only reads', writer, reader, false, true],
    ['both only read', reader, reader, false, false],
  ] as const
  for (const [name, opener, acceptor, acceptorWrites, openerWrites] of cases) {
    const met = await meet({ opener, acceptor })
    assert.deepEqual(met.opener, { writer: acceptorWrites }, name)
    assert.deepEqual(met.acceptor, { writer: openerWrites }, name)
  }
})

test('a host with another secret is told the same as one whose folder is not known, and nothing else', async () => {
  const wrong = await meet({ opener: { ...stranger, id: writer.id } })
  assert.ok(wrong.acceptor instanceof ProofFailed)
  const unknown = pipe()
  const opening = proveAsOpener(unknown.opener, stranger, { ourPeerId: ALICE, theirPeerId: BOB })
  const { folder } = await readOpening(unknown.acceptor)
  await assert.rejects(refuseUnknown(unknown.acceptor, folder), ProofFailed)
  unknown.hangUp()
  await assert.rejects(opening)
  const shape = (said: typeof unknown.said) => said.map(({ from, frame }) => `${from} ${frame.byteLength}`)
  assert.deepEqual(shape(unknown.said), shape(wrong.said))
})

test('whatever is changed on the way, no proof is accepted', async () => {
  const flips = fc.record({ n: fc.nat({ max: 3 }), at: fc.nat({ max: 200 }), bit: fc.nat({ max: 7 }) })
  await fc.assert(
    fc.asyncProperty(flips, async ({ n, at, bit }) => {
      let changed = false
      const change = (_from: Side, frame: Uint8Array, i: number) => {
        if (i !== n) return frame
        const copy = Uint8Array.from(frame)
        const where = at % copy.byteLength
        copy[where] = (copy[where] ?? 0) ^ (1 << bit)
        changed = true
        return copy
      }
      const met = await meet({ change })
      assert.ok(changed)
      assert.ok(met.opener instanceof Error || met.acceptor instanceof Error)
    }),
    { numRuns: 300 },
  )
})

test('a HELLO or a proof that is sent back to its maker is refused', async () => {
  const hellos = await meet({ change: echo([1, 0]) })
  assert.ok(hellos.opener instanceof ProofFailed)
  assert.match(hellos.opener.message, /our own HELLO/)
  const proofs = await meet({ change: echo([3, 2]) })
  assert.ok(proofs.opener instanceof ProofFailed)
})

/** Instead of message `n`, message `of` is delivered again. */
function echo([n, of]: readonly [number, number]) {
  const seen: Uint8Array[] = []
  return (_from: Side, frame: Uint8Array) => {
    seen.push(frame)
    return seen.length - 1 === n ? (seen[of] ?? frame) : frame
  }
}

test('a proof that is passed on over another connection is refused', async () => {
  // Mallory stands between: each end has authenticated her, not the other.
  const mallory = Buffer.from('mallory')
  const met = await meet({
    openerEnds: { ourPeerId: ALICE, theirPeerId: mallory },
    acceptorEnds: { ourPeerId: BOB, theirPeerId: mallory },
  })
  assert.ok(met.acceptor instanceof ProofFailed)
})

test('a host with the read-only secret cannot pass for a writer', () => {
  const ends: [End, End] = [
    { peerId: ALICE, hello: makeHello(writer.id, true) },
    { peerId: BOB, hello: makeHello(writer.id, true) },
  ]
  const t = transcript(writer.id, ...ends)
  const cases = [
    ['no signature', makeProof(reader, 'acceptor', t)],
    ["the other side's proof", makeProof(writer, 'opener', t)],
    ['a signature by another secret', makeProof({ ...stranger, readKey: reader.readKey }, 'acceptor', t)],
    ['another transcript', makeProof(writer, 'acceptor', transcript(writer.id, ends[1], ends[0]))],
    ['nothing', new Uint8Array(0)],
    ['rubbish', new Uint8Array(100).fill(0xff)],
  ] as const
  for (const [name, proof] of cases) assert.equal(proofHolds(writer, 'acceptor', t, proof, true), false, name)
  assert.equal(proofHolds(writer, 'acceptor', t, makeProof(reader, 'opener', t), false), false, 'our own, sent back')
  assert.equal(proofHolds(writer, 'acceptor', t, makeProof(writer, 'acceptor', t), true), true)
  assert.equal(proofHolds(writer, 'acceptor', t, makeProof(reader, 'acceptor', t), false), true)
})

test('a HELLO of another version says which host to update', async () => {
  const hello = Uint8Array.from(makeHello(writer.id, true))
  hello[1] = 2 // the version is the first field
  const wires = pipe()
  wires.opener.send(hello)
  const { hello: got } = await readOpening(wires.acceptor)
  const proving = proveAsAcceptor(wires.acceptor, writer, { ourPeerId: BOB, theirPeerId: ALICE }, got)
  await assert.rejects(proving, /speaks version 2 .* update the older one/)
})

test('no two HELLOs have the same nonce, and all fit what a stranger may send', () => {
  const [a, b] = [readHello(makeHello(writer.id, true)), readHello(makeHello(writer.id, true))]
  assert.ok(typeof a !== 'string' && typeof b !== 'string')
  assert.notDeepEqual(a.nonce, b.nonce)
  assert.ok(makeHello(writer.id, true, 'banned').byteLength < MAX_UNPROVEN_FRAME_BYTES)
})
