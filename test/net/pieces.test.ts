import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { type Uint8ArrayList } from 'uint8arraylist'
import { type FolderId, type RootHash } from '../../src/base/brand.ts'
import * as limits from '../../src/net/limits.ts'
import { Owed } from '../../src/net/owed.ts'
import { PeerGone, PieceRefused, type ServedPiece } from '../../src/net/peer-port.ts'
import { PieceBuffers } from '../../src/net/piece-buffers.ts'
import { chunkHeader, ChunkReader, MAX_CHUNK_BYTES, MAX_SEND_BYTES, PIECE } from '../../src/net/piece-frames.ts'
import { PieceProvider } from '../../src/net/piece-provider.ts'
import { PieceRequester, type Receive } from '../../src/net/piece-requester.ts'
import { decodeRequest, encodeRequest } from '../../src/net/pieces-request.ts'
import { RateLimit } from '../../src/net/rate-limit.ts'
import { ProtocolError } from '../../src/net/record-codec.ts'
import { settle, VirtualClock } from './virtual-clock.ts'

const ROOT = 'cd'.repeat(32) as RootHash
const never = new AbortController().signal

/** The content of a piece tells its number and place. */
function pieceOf(ordinal: number, length: number): Buffer {
  const bytes = Buffer.alloc(length)
  for (let i = 0; i < length; i++) bytes[i] = (ordinal * 31 + i * 7) & 255
  return bytes
}

interface WorldOptions {
  readonly lengths?: readonly number[]
  readonly creditBytes?: number
  readonly upload?: RateLimit
  readonly download?: RateLimit
  readonly servePiece?: (ordinal: number) => Promise<ServedPiece | null>
  readonly list?: Uint8Array | null
  readonly owed?: Owed
}

/** A requester and a provider joined by a connection that takes `sink.room` messages before it is full. */
function world(options: WorldOptions = {}) {
  const lengths = options.lengths ?? []
  const stats = { sentBytes: 0, receivedBytes: 0, held: 0, mostHeld: 0, largestSend: 0, served: 0 }
  const wire: Uint8Array[] = []
  const sink = { writableNeedsDrain: false, writeBufferLength: 0, room: 4, send: (list: Uint8ArrayList) => send(list) }
  const send = (list: Uint8ArrayList) => {
    stats.largestSend = Math.max(stats.largestSend, list.byteLength)
    wire.push(list.slice())
    sink.writableNeedsDrain = wire.length >= sink.room
    return !sink.writableNeedsDrain
  }
  const serve = async (ordinal: number): Promise<ServedPiece | null> => {
    const bytes = pieceOf(ordinal, lengths[ordinal] ?? 0)
    stats.held++
    stats.mostHeld = Math.max(stats.mostHeld, stats.held)
    // A buffer that is given back is used for something else at once.
    return { bytes, release: () => void (stats.held--, bytes.fill(0)) }
  }
  const provider = new PieceProvider({
    sink,
    handlers: {
      servePiece: (_root, ordinal) => (stats.served++, options.servePiece ?? serve)(ordinal),
      servePieceList: () => options.list ?? null,
    },
    limit: () => options.upload ?? null,
    countSent: (bytes) => (stats.sentBytes += bytes),
    soon: queueMicrotask,
    readAheadBytes: () => limits.MAX_READ_AHEAD_BYTES,
  })
  const requester = new PieceRequester({
    buffers: new PieceBuffers(),
    limit: () => options.download ?? null,
    creditBytes: () => options.creditBytes ?? limits.MIN_CREDIT_BYTES,
    send: (bytes) => {
      const request = decodeRequest(bytes)
      assert.ok(request.type !== 'open')
      provider.request(request)
    },
    countReceived: (bytes) => (stats.receivedBytes += bytes),
    owed: options.owed ?? new Owed({ clock: new VirtualClock() }),
  })
  /** Carries what was sent to the other end until nothing moves any more. */
  const carry = async () => {
    for (;;) {
      await settle()
      const bytes = wire.shift()
      if (bytes !== undefined) requester.push(bytes)
      else if (!sink.writableNeedsDrain) return
      if (wire.length > 0 || !sink.writableNeedsDrain) continue
      sink.writableNeedsDrain = false
      provider.drained()
    }
  }
  return { requester, provider, sink, wire, stats, carry }
}

function collect() {
  const got: { ordinal: number; bytes: Buffer }[] = []
  const receive: Receive = async (ordinal, bytes) => void got.push({ ordinal, bytes: Buffer.from(bytes) })
  return { got, receive }
}

test('pieces of any lengths arrive whole, in the order asked, several requests at a time', async () => {
  const length = fc.oneof(
    fc.constantFrom(1, MAX_CHUNK_BYTES - 1, MAX_CHUNK_BYTES, MAX_CHUNK_BYTES + 1, 512 * 1024),
    fc.integer({ min: 1, max: 200_000 }),
  )
  const requests = fc.array(fc.array(length, { minLength: 1, maxLength: 6 }), { minLength: 1, maxLength: 5 })
  await fc.assert(
    fc.asyncProperty(requests, async (asked) => {
      const lengths = asked.flat()
      const { requester, carry, stats } = world({ lengths })
      let first = 0
      const fetches = asked.map(async (own) => {
        const ordinals = own.map((_, i) => first + i)
        first += own.length
        const { got, receive } = collect()
        await requester.fetchPieces(ROOT, ordinals, own, receive, never)
        assert.deepEqual(
          got.map((piece) => piece.ordinal),
          ordinals,
        )
        for (const { ordinal, bytes } of got) assert.ok(bytes.equals(pieceOf(ordinal, lengths[ordinal] ?? 0)))
      })
      await carry()
      await Promise.all(fetches)
      assert.equal(stats.held, 0, 'every buffer was given back')
      assert.ok(stats.largestSend <= MAX_SEND_BYTES)
    }),
    { numRuns: 40 },
  )
})

test('full messages leave while there is enough to send', async () => {
  const lengths = Array.from({ length: 64 }, () => 128 * 1024)
  const { requester, carry, stats, wire } = world({ lengths })
  let sends = 0
  const push = wire.push.bind(wire)
  wire.push = (...list) => ((sends += list.length), push(...list))
  const fetch = requester.fetchPieces(
    ROOT,
    lengths.map((_, i) => i),
    lengths,
    async () => {},
    never,
  )
  await carry()
  await fetch
  assert.ok(sends <= stats.sentBytes / MAX_SEND_BYTES + 20, `${sends} messages for ${stats.sentBytes} bytes`)
})

test('a buffer is not given back while bytes of it wait in the stream', async () => {
  const { requester, provider, sink, stats } = world({ lengths: [1_000] })
  const send = sink.send
  sink.send = (list) => {
    sink.writeBufferLength = list.byteLength
    return send(list)
  }
  const { got, receive } = collect()
  const fetch = requester.fetchPieces(ROOT, [0], [1_000], receive, never)
  await settle()
  assert.equal(stats.held, 1)
  sink.writeBufferLength = 0
  provider.drained()
  assert.equal(stats.held, 0)
  assert.equal(got.length, 0)
  requester.gone(new PeerGone('over'))
  await assert.rejects(fetch, PeerGone)
})

test('a slow receiver holds no more than its credit, and loses nothing', async () => {
  const lengths = Array.from({ length: 200 }, () => 100_000)
  const creditBytes = 1 << 20
  const { requester, carry, stats } = world({ lengths, creditBytes })
  const slow: (() => void)[] = []
  let taken = 0
  const receive: Receive = async (ordinal, bytes) => {
    await new Promise<void>((resolve) => slow.push(resolve))
    assert.ok(Buffer.from(bytes).equals(pieceOf(ordinal, 100_000)))
    taken += bytes.byteLength
  }
  const fetch = requester.fetchPieces(
    ROOT,
    lengths.map((_, i) => i),
    lengths,
    receive,
    never,
  )
  for (let i = 0; i < lengths.length; i++) {
    await carry()
    assert.ok(stats.receivedBytes - taken <= creditBytes, `${stats.receivedBytes - taken} bytes held`)
    slow.shift()?.()
    await settle()
  }
  await fetch
  assert.equal(taken, 20_000_000)
  assert.ok(stats.mostHeld <= limits.MAX_READ_AHEAD_BYTES / 100_000 + 2, `${stats.mostHeld} pieces read ahead`)
})

test('a peer that does not have a piece, reads it wrong or throws refuses the request, and others go on', async () => {
  const cases: readonly (readonly [string, (ordinal: number) => Promise<ServedPiece | null>])[] = [
    ['not here', async () => null],
    ['another length', async () => ({ bytes: new Uint8Array(99), release: () => {} })],
    ['throws', () => Promise.reject(new Error('EIO'))],
  ]
  for (const [name, broken] of cases) {
    const good = { bytes: pieceOf(1, 100), release: () => {} }
    const { requester, carry } = world({
      servePiece: (ordinal) => (ordinal === 1 ? Promise.resolve(good) : broken(ordinal)),
    })
    const { got, receive } = collect()
    const refused = requester.fetchPieces(ROOT, [1, 0, 1], [100, 100, 100], receive, never)
    const fine = requester.fetchPieces(ROOT, [1], [100], receive, never)
    const check = assert.rejects(refused, PieceRefused, name)
    await carry()
    await check
    await fine
    assert.equal(got.length, 2, name)
  }
})

test('a cancelled fetch ends at once and the other end soon stops', async () => {
  const lengths = Array.from({ length: 500 }, () => 128 * 1024)
  const { requester, carry, stats, sink } = world({ lengths })
  const abort = new AbortController()
  sink.room = 1
  const fetch = requester.fetchPieces(
    ROOT,
    lengths.map((_, i) => i),
    lengths,
    async () => {},
    abort.signal,
  )
  await settle()
  abort.abort(new Error('no longer needed'))
  await assert.rejects(fetch, /no longer needed/)
  const sentBefore = stats.sentBytes
  await carry()
  assert.ok(stats.sentBytes - sentBefore <= MAX_SEND_BYTES)
  assert.ok(stats.served <= limits.MAX_READ_AHEAD_BYTES / (128 * 1024) + 1)
  assert.equal(stats.held, 0)
  const { got, receive } = collect()
  const next = requester.fetchPieces(ROOT, [3], [128 * 1024], receive, never)
  await carry()
  await next
  assert.ok(got[0]?.bytes.equals(pieceOf(3, 128 * 1024)))
})

test('a receiver that fails ends its fetch with its own error', async () => {
  const { requester, carry } = world({ lengths: [10, 10] })
  const fetch = requester.fetchPieces(ROOT, [0, 1], [10, 10], () => Promise.reject(new Error('disk full')), never)
  const check = assert.rejects(fetch, /disk full/)
  await carry()
  await check
})

test('what is under way fails when the connection ends, and what comes later too', async () => {
  const { requester, provider, stats } = world({ lengths: [10] })
  const fetches = [
    requester.fetchPieces(ROOT, [0], [10], async () => {}, never),
    requester.fetchPieceList(ROOT, 100, never),
  ]
  const checks = fetches.map((fetch) => assert.rejects(fetch, PeerGone))
  await settle()
  requester.gone(new PeerGone('cut'))
  provider.close()
  await Promise.all(checks)
  await assert.rejects(
    requester.fetchPieces(ROOT, [0], [10], async () => {}, never),
    PeerGone,
  )
  await settle()
  assert.equal(stats.held, 0)
})

test('a piece list comes whole; one that is too long, or not there, is refused', async () => {
  const list = pieceOf(5, 300_000)
  const { requester, carry } = world({ list })
  const whole = requester.fetchPieceList(ROOT, 300_000, never)
  await carry()
  assert.ok(Buffer.from(await whole).equals(list))
  requester.fetchPieceList(ROOT, 299_999, never).catch(() => {})
  await assert.rejects(carry(), ProtocolError, 'it breaks the protocol: the stream ends')
  const empty = world({ list: new Uint8Array(0) })
  const none = empty.requester.fetchPieceList(ROOT, 10, never)
  await empty.carry()
  assert.equal((await none).byteLength, 0)
  const missing = world()
  const refused = assert.rejects(missing.requester.fetchPieceList(ROOT, 10, never), PieceRefused)
  await missing.carry()
  await refused
})

test('limits for upload and download hold, with pieces far larger than what passes in a second', async () => {
  for (const direction of ['upload', 'download'] as const) {
    const clock = new VirtualClock()
    const limit = new RateLimit({ bytesPerSecond: 100_000 }, { clock })
    const lengths = Array.from({ length: 40 }, () => 512 * 1024)
    const { requester, carry, stats } = world({ lengths, [direction]: limit })
    const fetch = requester.fetchPieces(
      ROOT,
      lengths.map((_, i) => i),
      lengths,
      async () => {},
      never,
    )
    fetch.catch(() => {})
    const perSecond: number[] = []
    for (let second = 0; second < 25; second++) {
      const before = stats.receivedBytes
      for (let i = 0; i < 100; i++) {
        await clock.pass(10)
        await carry()
      }
      perSecond.push(stats.receivedBytes - before)
    }
    for (let from = 1; from <= 15; from++) {
      const ratio = perSecond.slice(from, from + 10).reduce((sum, n) => sum + n, 0) / 1_000_000
      assert.ok(ratio > 0.95 && ratio < 1.05, `${direction} from second ${from}: ${ratio}`)
    }
    requester.gone(new PeerGone('over'))
  }
})

test('a peer owes nothing while our own limit lets it send nothing, and is silent when it could send and does not', async () => {
  const clock = new VirtualClock()
  const owed = new Owed({ clock })
  const download = new RateLimit({ bytesPerSecond: 10_000 }, { clock })
  const { requester, carry } = world({ lengths: [100_000], download, owed })
  requester.fetchPieces(ROOT, [0], [100_000], async () => {}, never).catch(() => {})
  for (let i = 0; i < 60; i++) download.take(1_000, () => {}) // others are to get their share first
  await carry()
  await clock.pass(5_000)
  assert.equal(owed.silentMs(), 0)
  await clock.pass(5_000)
  assert.ok(owed.silentMs() > 0, 'what it may send now is not carried')
  await carry()
  assert.equal(owed.silentMs(), 0)
  requester.gone(new PeerGone('over'))
})

test('a provider that sends more than it was granted is cut off', () => {
  const { requester } = world()
  const chunk = (n: number) => Buffer.concat([chunkHeader(PIECE, 1, n), Buffer.alloc(n)])
  assert.throws(() => requester.push(chunk(1)), /more bytes than were asked for/)
})

test('a requester that asks for too much at a time is cut off', () => {
  const slow = () => new Promise<null>(() => {})
  const { provider } = world({ servePiece: slow })
  const ask = (id: number) =>
    provider.request({
      type: 'pieces',
      id,
      root: ROOT,
      ordinals: [0, 1, 2],
      lengths: [512 * 1024, 512 * 1024, 512 * 1024],
    })
  assert.throws(() => {
    for (let id = 0; id < 1_000; id++) ask(id)
  }, ProtocolError)
  assert.throws(() => {
    for (let i = 0; i < 10; i++) world().provider.request({ type: 'credit', bytes: limits.MAX_CREDIT_BYTES })
    const { provider: other } = world()
    for (let i = 0; i < 10; i++) other.request({ type: 'credit', bytes: limits.MAX_CREDIT_BYTES })
  }, /too much credit/)
})

test('a requester that lies about lengths cannot make many pieces be read at a time', () => {
  const { provider, stats } = world({ servePiece: () => new Promise<null>(() => {}) })
  const ordinals = Array.from({ length: 4_096 }, (_, i) => i)
  provider.request({ type: 'pieces', id: 1, root: ROOT, ordinals, lengths: ordinals.map(() => 1) })
  assert.ok(stats.served <= limits.MAX_READ_AHEAD_BYTES / (32 * 1024), `${stats.served} reads`)
})

test('requests go over the wire and come out the same; what is over a limit does not', () => {
  const folder = 'ef'.repeat(16) as FolderId
  const good = [
    { type: 'open', folder },
    { type: 'pieces', id: 7, root: ROOT, ordinals: [0, 4_294_967_295], lengths: [1, 512 * 1024] },
    { type: 'list', id: 8, root: ROOT },
    { type: 'cancel', id: 0xffff_ffff },
    { type: 'credit', bytes: 5 },
  ] as const
  for (const request of good) assert.deepEqual(decodeRequest(encodeRequest(request)), request)
  const pieces = { type: 'pieces', id: 1, root: ROOT, ordinals: [1], lengths: [1] } as const
  const many = Array.from({ length: limits.MAX_PIECES_PER_REQUEST + 1 }, () => 1)
  const bad = [
    ['no pieces', { ...pieces, ordinals: [], lengths: [] }],
    ['too many pieces', { ...pieces, ordinals: many, lengths: many }],
    ['a length missing', { ...pieces, lengths: [] }],
    ['a length of 0', { ...pieces, lengths: [0] }],
    ['a length over 512 KiB', { ...pieces, lengths: [512 * 1024 + 1] }],
    ['a short root', { ...pieces, root: 'ab' as RootHash }],
    ['a short folder', { type: 'open', folder: 'ab' as FolderId }],
    ['a huge credit', { type: 'credit', bytes: limits.MAX_CREDIT_BYTES + 1 }],
  ] as const
  for (const [name, request] of bad) assert.throws(() => decodeRequest(encodeRequest(request)), ProtocolError, name)
})

test('chunks that no provider makes are refused, and rubbish never crashes the reader', () => {
  const taker = { header: () => {}, bytes: () => {} }
  const cases = [
    ['unknown kind', Buffer.concat([Buffer.of(9), Buffer.alloc(11)])],
    ['reserved bytes', Buffer.concat([Buffer.of(1, 0, 0, 1), Buffer.alloc(8)])],
    ['empty chunk', chunkHeader(PIECE, 1, 0)],
    ['too long', chunkHeader(PIECE, 1, MAX_CHUNK_BYTES + 1)],
    ['4 GiB', chunkHeader(PIECE, 1, 0xffff_ffff)],
  ] as const
  for (const [name, bytes] of cases) assert.throws(() => new ChunkReader(taker).push(bytes), ProtocolError, name)
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
      const { requester } = world()
      try {
        requester.push(bytes)
      } catch (error) {
        assert.ok(error instanceof ProtocolError)
      }
    }),
  )
})
