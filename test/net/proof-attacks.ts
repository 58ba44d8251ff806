/**
 * Whoever has not got the secret is never accepted, whatever it sends: frames of earlier and of concurrent sessions,
 * of other folders, our own ones, changed HELLOs, proofs by other keys. Each throws at the first that was accepted.
 */
import assert from 'node:assert/strict'
import { create, fromBinary, toBinary } from '@bufbuild/protobuf'
import fc from 'fast-check'
import { type FolderKeys, generateSecret, readOnlySecret } from '../../src/base/secret.ts'
import { proveAsAcceptor, proveAsOpener, readOpening, type Wire } from '../../src/net/proof-exchange.ts'
import { makeHello, makeProof, type Side, transcript } from '../../src/net/proof.ts'
import { HelloSchema, ProofSchema } from '../../src/net/wire_pb.ts'
import { keysOf } from './test-host.ts'

const secret = generateSecret()
const writer = keysOf(secret)
const reader = keysOf(readOnlySecret(secret))
const otherFolder = keysOf(generateSecret())
const stranger: FolderKeys = { ...keysOf(generateSecret()), id: writer.id }
const ALICE = Buffer.from('alice')
const BOB = Buffer.from('bob')
const MALLORY = Buffer.from('mallory')

/** A wire on whose other end `answer` decides what comes next; what the victim has said is given to it. */
function wireTo(answer: (said: readonly Uint8Array[]) => Uint8Array | null): Wire {
  const said: Uint8Array[] = []
  return {
    send: (frame) => void said.push(frame),
    next: async (maxBytes) => {
      const frame = answer(said)
      if (frame === null || frame.byteLength > maxBytes) throw new Error('the other side hung up')
      return frame
    },
  }
}

/** Runs one end; true if it was convinced. */
async function convinced(victim: Side, keys: FolderKeys, theirPeerId: Uint8Array, wire: Wire): Promise<boolean> {
  const ourPeerId = victim === 'opener' ? ALICE : BOB
  const work = async () => {
    if (victim === 'opener') return proveAsOpener(wire, keys, { ourPeerId, theirPeerId })
    const { hello } = await readOpening(wire)
    return proveAsAcceptor(wire, keys, { ourPeerId, theirPeerId }, hello)
  }
  return work().then(
    () => true,
    () => false,
  )
}

/** All four frames of an honest meeting of Alice and Bob, as someone on the way would have them. */
async function honest(keys: FolderKeys): Promise<Uint8Array[]> {
  const frames: Uint8Array[] = []
  const queues = { opener: [] as Uint8Array[], acceptor: [] as Uint8Array[] }
  const waiting = { opener: (_frame: Uint8Array) => {}, acceptor: (_frame: Uint8Array) => {} }
  const end = (us: Side, them: Side): Wire => ({
    send: (frame) => {
      frames.push(frame)
      queues[them].push(frame)
      waiting[them](frame)
    },
    next: async () => {
      const frame = queues[us].shift()
      if (frame !== undefined) return frame
      return new Promise((resolve) => (waiting[us] = () => resolve(queues[us].shift() ?? new Uint8Array())))
    },
  })
  const met = await Promise.all([
    convinced('opener', keys, BOB, end('opener', 'acceptor')),
    convinced('acceptor', keys, ALICE, end('acceptor', 'opener')),
  ])
  assert.deepEqual(met, [true, true])
  return frames
}

const records = (await Promise.all([writer, reader, otherFolder].map(honest))).flat()
const bytes = fc.uint8Array({ maxLength: 300 })

/** A move of someone without the secret. `said` is what the victim has said so far. */
type Move = (said: readonly Uint8Array[], victim: Side, theirPeerId: Uint8Array) => Uint8Array

const helloChange = fc.record({
  version: fc.option(fc.nat({ max: 3 }), { nil: undefined }),
  writer: fc.option(fc.boolean(), { nil: undefined }),
  busy: fc.option(fc.constant(false), { nil: undefined }),
  newNonce: fc.boolean(),
  otherFolder: fc.boolean(),
})

const moves: fc.Arbitrary<Move> = fc.oneof(
  fc.nat({ max: records.length - 1 }).map<Move>((n) => () => records[n] ?? new Uint8Array()),
  fc.nat({ max: 3 }).map<Move>((n) => (said) => said[n % Math.max(1, said.length)] ?? new Uint8Array()),
  fc.boolean().map<Move>((asWriter) => () => makeHello(writer.id, asWriter)),
  helloChange.map<Move>((change) => (said) => changedHello(said[0] ?? makeHello(writer.id, true), change)),
  fc
    .constantFrom(stranger, otherFolder, { ...stranger, sign: null })
    .map<Move>((keys) => (said, victim, peerId) => proofBy(keys, said, victim, peerId)),
  fc.boolean().map<Move>((signed) => () => {
    return toBinary(
      ProofSchema,
      create(ProofSchema, { mac: new Uint8Array(32), signature: new Uint8Array(signed ? 64 : 0) }),
    )
  }),
  bytes.map<Move>((rubbish) => () => rubbish),
)

function changedHello(hello: Uint8Array, change: typeof helloChange extends fc.Arbitrary<infer T> ? T : never) {
  let read
  try {
    read = fromBinary(HelloSchema, hello)
  } catch {
    return hello
  }
  if (change.version !== undefined) read.version = change.version
  if (change.writer !== undefined) read.writer = change.writer
  if (change.busy !== undefined) read.busy = change.busy
  if (change.newNonce) read.nonce = fromBinary(HelloSchema, makeHello(writer.id, true)).nonce
  if (change.otherFolder) read.folder = Buffer.from(otherFolder.id, 'hex')
  return toBinary(HelloSchema, read)
}

/** A proof over the right transcript, as well as it can be known, by wrong keys. */
function proofBy(keys: FolderKeys, said: readonly Uint8Array[], victim: Side, theirPeerId: Uint8Array): Uint8Array {
  const ours = { peerId: victim === 'opener' ? ALICE : BOB, hello: said[0] ?? new Uint8Array() }
  const theirs = { peerId: theirPeerId, hello: makeHello(writer.id, true) }
  const [opener, acceptor] = victim === 'opener' ? [ours, theirs] : [theirs, ours]
  return makeProof(keys, victim === 'opener' ? 'acceptor' : 'opener', transcript(writer.id, opener, acceptor))
}

/** Frames of all kinds to one who waits: replayed, reflected, forged, downgraded, of another folder. */
export async function sendForeignFrames(attempts: number): Promise<void> {
  const attempt = fc.record({
    victim: fc.constantFrom<Side>('opener', 'acceptor'),
    keys: fc.constantFrom(writer, reader),
    // As a stranger, or with the identity of the very host it was recorded from.
    theirPeerId: fc.constantFrom(ALICE, BOB, MALLORY),
    script: fc.array(moves, { minLength: 2, maxLength: 3 }),
  })
  await fc.assert(
    fc.asyncProperty(attempt, async ({ victim, keys, theirPeerId, script }) => {
      let n = 0
      const wire = wireTo((said) => script[n++]?.(said, victim, theirPeerId) ?? null)
      assert.equal(await convinced(victim, keys, theirPeerId, wire), false)
    }),
    { numRuns: attempts },
  )
}

/** Two victims who each talk to someone between them, who passes on what they say, as it is or changed. */
export async function relay(attempts: number): Promise<void> {
  const change = fc.option(helloChange, { nil: null })
  await fc.assert(
    fc.asyncProperty(change, fc.constantFrom(writer, reader), async (changed, keys) => {
      const queues: Record<Side, Uint8Array[]> = { opener: [], acceptor: [] }
      const wakes: Record<Side, () => void> = { opener: () => {}, acceptor: () => {} }
      let over = false
      const end = (us: Side, them: Side): Wire => ({
        send: (frame) => {
          const first = queues[them].length === 0 && changed !== null
          queues[them].push(first ? changedHello(frame, changed) : frame)
          wakes[them]()
        },
        next: async () => {
          while (queues[us].length === 0 && !over) await new Promise<void>((resolve) => (wakes[us] = resolve))
          const frame = queues[us].shift()
          if (frame === undefined) throw new Error('the other side hung up')
          return frame
        },
      })
      const hangUp = () => {
        over = true
        wakes.opener()
        wakes.acceptor()
      }
      const met = await Promise.all([
        convinced('opener', keys, MALLORY, end('opener', 'acceptor')).finally(hangUp),
        convinced('acceptor', keys, MALLORY, end('acceptor', 'opener')).finally(hangUp),
      ])
      assert.deepEqual(met, [false, false])
    }),
    { numRuns: attempts },
  )
}

/** A reader who claims to write, and proofs made for another stream between the very same hosts. */
export async function claimToWrite(attempts: number): Promise<void> {
  const sides = fc.constantFrom<Side>('opener', 'acceptor')
  await fc.assert(
    fc.asyncProperty(sides, fc.boolean(), async (victim, claimsToWrite) => {
      const hello = makeHello(writer.id, claimsToWrite)
      let n = 0
      const wire = wireTo((said) => {
        if (n++ === 0) return hello
        const theirs = { peerId: victim === 'opener' ? BOB : ALICE, hello }
        // The transcript of another stream between the very same hosts.
        const ours = {
          peerId: victim === 'opener' ? ALICE : BOB,
          hello: claimsToWrite ? (said[0] ?? hello) : makeHello(writer.id, true),
        }
        const [opener, acceptor] = victim === 'opener' ? [ours, theirs] : [theirs, ours]
        return makeProof(reader, victim === 'opener' ? 'acceptor' : 'opener', transcript(writer.id, opener, acceptor))
      })
      assert.equal(await convinced(victim, writer, victim === 'opener' ? BOB : ALICE, wire), false)
    }),
    { numRuns: attempts },
  )
}
