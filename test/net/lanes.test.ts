import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Connection } from '@libp2p/interface'
import { silentLog } from '../../src/base/log.ts'
import { pretendNoNative } from '../../src/base/native-library.ts'
import { Lanes, lanesFor } from '../../src/net/lanes.ts'
import * as limits from '../../src/net/limits.ts'
import { type Peer, PeerGone } from '../../src/net/peer-port.ts'
import { RENEW_MS } from '../../src/net/renewal.ts'
import { JumpingClock } from './jumping-clock.ts'
import { Cable, Hosts, ROOT, type TestHost } from './test-host.ts'
import { VirtualClock } from './virtual-clock.ts'

const FAR_MS = 100
const HOUR_MS = 3_600_000
const never = new AbortController().signal

/** What lanes use of a connection. */
class FakeConnection {
  readonly remotePeer: { toString(): string }
  readonly remoteAddr = { getComponents: () => [] }
  readonly #closed: (connection: Connection) => void
  status = 'open'

  constructor(peerId: string, closed: (connection: Connection) => void = () => {}) {
    this.remotePeer = { toString: () => peerId }
    this.#closed = closed
  }

  abort(): void {
    this.status = 'aborted'
    this.#closed(this as never)
  }
}

function lanesWith(dial?: () => Promise<Connection>) {
  const clock = new VirtualClock()
  const dialled: FakeConnection[] = []
  const dialFake = async () => {
    dialled.push(new FakeConnection('far', (connection) => lanes.closed(connection)))
    return dialled.at(-1) as unknown as Connection
  }
  const opened: string[] = []
  const lanes: Lanes = new Lanes({
    clock,
    log: silentLog,
    addressesOf: () => [],
    dial: dial ?? dialFake,
    proven: () => {},
    opened: (peerId) => void opened.push(peerId),
  })
  return { lanes, clock, dialled, opened }
}

test('a near peer gets no lanes, a far one the more the farther it is, within the bound', () => {
  const [unknown, near, far, farther, moon] = [NaN, 19, 20, 80, 3_000].map(lanesFor)
  assert.deepEqual([unknown, near, far, farther, moon], [0, 0, 2, 4, limits.MAX_LANES_PER_PEER])
})

test('lanes are dialled once, told of, and go with the peer', async () => {
  const { lanes, clock, dialled, opened } = lanesWith()
  lanes.to('far', FAR_MS)
  lanes.to('far', FAR_MS)
  await clock.pass(0)
  assert.equal(dialled.length, lanesFor(FAR_MS))
  assert.equal(lanes.to('far', FAR_MS).size, dialled.length)
  assert.equal(opened.length, dialled.length)
  lanes.drop('far', 'it is no peer any more')
  assert.ok(dialled.every(({ status }) => status === 'aborted'))
  assert.ok(!dialled.some((lane) => lanes.has(lane as never)))
})

test('a lane that comes when the peer has gone, or leads to another host, is closed', async () => {
  const late = Promise.withResolvers<Connection>()
  const { lanes, clock } = lanesWith(() => late.promise)
  const [lane, other] = [new FakeConnection('far'), new FakeConnection('another')]
  lanes.to('far', FAR_MS)
  lanes.drop('far', 'gone')
  late.resolve(lane as never)
  await clock.pass(0)
  assert.equal(lane.status, 'aborted')
  const wrong = lanesWith(async () => other as never)
  wrong.lanes.to('far', FAR_MS)
  await wrong.clock.pass(0)
  assert.deepEqual([other.status, wrong.lanes.to('far', FAR_MS).size], ['aborted', 0])
})

test('a host that cannot be dialled, or closes its lanes, is left alone for half a minute', async () => {
  let tries = 0
  const { lanes, clock } = lanesWith(async () => {
    tries++
    throw new Error('no route')
  })
  lanes.to('far', FAR_MS)
  await clock.pass(29_000)
  lanes.to('far', FAR_MS)
  assert.equal(tries, 1)
  await clock.pass(2_000)
  lanes.to('far', FAR_MS)
  assert.equal(tries, 2)
  const closing = lanesWith()
  closing.lanes.to('far', FAR_MS)
  await closing.clock.pass(0)
  closing.dialled[0]?.abort()
  closing.lanes.to('far', FAR_MS)
  assert.equal(closing.dialled.length, lanesFor(FAR_MS))
  await closing.clock.pass(31_000)
  closing.lanes.to('far', FAR_MS)
  assert.equal(closing.dialled.length, lanesFor(FAR_MS) + 1)
})

test('lanes are made anew before they are old', async () => {
  const { lanes, clock, dialled } = lanesWith()
  lanes.to('far', FAR_MS)
  await clock.pass(RENEW_MS)
  assert.equal(lanes.to('far', FAR_MS).size, 0)
  await clock.pass(31_000)
  lanes.to('far', FAR_MS)
  await clock.pass(0)
  assert.equal(dialled.length, 2 * lanesFor(FAR_MS))
})

test('no peer may open more lanes than its bound, nor all peers together', () => {
  const { lanes } = lanesWith()
  const accept = (peerId: string) => lanes.accept(new FakeConnection(peerId) as never)
  const first = new FakeConnection('p') as never
  assert.ok(lanes.accept(first) && lanes.accept(first))
  for (let i = 1; i < limits.MAX_LANES_PER_PEER; i++) assert.ok(accept('p'))
  assert.ok(!accept('p'))
  for (let i = limits.MAX_LANES_PER_PEER; i < limits.MAX_LANES; i++) assert.ok(accept(`p${i}`))
  assert.ok(!accept('q'))
})

// --- Between real hosts, over a cable that takes its time.

/** The kernel sees the way to the cable only: so that answers tell how far the other end is, at once. */
pretendNoNative(true)

async function farPair(hosts: Hosts, clock = new JumpingClock(), delayMs = 15) {
  const lanesServed = new Set<number>()
  const servePiece = async (ordinal: number) => {
    lanesServed.add(ordinal)
    return { bytes: Buffer.alloc(1_000, ordinal), release: () => {} }
  }
  const a = await hosts.start({ n: 1, knownHosts: ['127.0.0.2:1'], servePiece, clock })
  const cable = hosts.use(await Cable.to(a, '127.0.0.2'))
  cable.delayMs = delayMs
  const b = await hosts.start({ n: 2, knownHosts: [`127.0.0.2:${cable.port}`], clock })
  return { a, b, cable, clock, peer: await b.peer(), served: lanesServed }
}

/** At least: on a slow machine the peer looks farther than it is. */
const withLanes = (host: TestHost) => host.until(() => host.network.connectionCount() > lanesFor(30))

async function fetched(peer: Peer, requests: number): Promise<number[]> {
  const got: number[] = []
  const receive = async (ordinal: number, bytes: Uint8Array) => void got.push(bytes[0] === ordinal ? ordinal : -1)
  await Promise.all(Array.from({ length: requests }, (_, i) => peer.fetchPieces(ROOT, [i], [1_000], receive, never)))
  return got.sort((x, y) => x - y)
}

test('a far peer is asked on lanes; its own connection carries none of the pieces', async () => {
  await using hosts = new Hosts()
  const { a, b, cable, peer } = await farPair(hosts)
  await withLanes(a)
  await withLanes(b)
  await fetched(peer, 1)
  const before = cable.perConnection()
  assert.deepEqual(await fetched(peer, 40), [...Array(40).keys()])
  const moved = cable.perConnection().map((bytes, i) => bytes - (before[i] ?? 0))
  assert.ok((moved[0] ?? Infinity) < 1_000, `${moved[0]} bytes on its own connection`)
  assert.ok(moved.filter((bytes) => bytes > 5_000).length >= lanesFor(30), `on its lanes: ${moved.join(' ')}`)
})

test('lanes go with the peer, and what is asked on them fails with it', async () => {
  await using hosts = new Hosts()
  const { a, b, cable, peer } = await farPair(hosts)
  await withLanes(b)
  cable.delayMs = 10_000
  const underWay = fetched(peer, 4).catch((error: unknown) => error)
  a.link.close()
  b.link.close()
  assert.ok((await underWay) instanceof PeerGone)
  await b.until(() => b.network.connectionCount() <= 1)
})

test('a lane is not taken for the successor of an old connection, and one that breaks is replaced', async () => {
  await using hosts = new Hosts()
  const { a, b, cable, clock, peer } = await farPair(hosts)
  await withLanes(a)
  const [peerOfA] = a.peers
  clock.jump(7 * HOUR_MS)
  const dialled = cable.perConnection().length
  cable.cut(1)
  await fetched(peer, 1).catch(() => {}) // on the lane that is cut, or on another
  clock.jump(31_000) // then it is dialled again, when a keepalive has come back
  await b.until(() => cable.perConnection().length > dialled)
  await withLanes(b)
  clock.jump(3_000) // by now the other side would have opened a stream of the folder on a spare connection
  assert.deepEqual(await fetched(peer, 20), [...Array(20).keys()])
  assert.deepEqual([[...a.peers], [...b.peers]], [[peerOfA], [peer]])
})

test('a lane on which nothing comes any more is given up, and its pieces fail so that others are asked', async () => {
  await using hosts = new Hosts()
  const { a, b, cable, clock, peer } = await farPair(hosts)
  await withLanes(b)
  await fetched(peer, 8)
  cable.hold(1)
  const results = Array.from({ length: 8 }, () => fetched(peer, 1).catch((error: unknown) => error))
  await b.until(() => cable.held > 0)
  clock.jump(11_000)
  peer.send({ type: 'since', after: 3 }) // while it goes there, the lane is looked at
  await a.until(() => a.messages.length > 0)
  clock.jump(11_000)
  const all = await Promise.all(results)
  assert.ok(all.some((result) => result instanceof PeerGone))
  assert.deepEqual(await fetched(peer, 4), [0, 1, 2, 3])
  assert.deepEqual([...b.peers], [peer])
})
