import assert from 'node:assert/strict'
import { test } from 'node:test'
import { backoffMs } from '../../src/net/backoff.ts'
import { PeerGone } from '../../src/net/peer-port.ts'
import { Renewal, RENEW_MS } from '../../src/net/renewal.ts'
import { JumpingClock } from './jumping-clock.ts'
import { Hosts, ROOT } from './test-host.ts'
import { VirtualClock } from './virtual-clock.ts'

const HOUR_MS = 3_600_000
const never = new AbortController().signal

test('after twelve hours a connection is renewed, and there is no moment without a peer', async () => {
  await using hosts = new Hosts()
  const clock = new JumpingClock()
  let serve = () => {}
  const served = new Promise<void>((resolve) => (serve = resolve))
  const servePiece = async (ordinal: number) => {
    if (ordinal === 1) await served
    return { bytes: Buffer.alloc(1_000, ordinal), release: () => {} }
  }
  const a = await hosts.start({ n: 1, knownHosts: ['127.0.0.2:1'], clock, servePiece })
  const b = await hosts.start({ n: 2, knownHosts: [a.line], clock })
  const [before, other] = [await b.peer(), await a.peer()]
  const without: string[] = []
  const watching = setInterval(() => {
    if (a.peers.size === 0 || b.peers.size === 0) without.push('no peer')
  }, 1)
  clock.jump(11 * HOUR_MS)
  await before.fetchPieces(ROOT, [0], [1_000], async () => {}, never)
  assert.deepEqual([...b.peers], [before], 'not yet')
  // What is under way when the connection changes ends with it, and can be asked for again.
  const underWay = before
    .fetchPieces(ROOT, [1], [1_000], async () => {}, never)
    .then(() => null)
    .catch((error: unknown) => error)
  clock.jump(2 * HOUR_MS)
  const after = await b.until(() => [...b.peers].find((peer) => peer !== before))
  await a.until(() => !a.peers.has(other) && a.peers.size === 1)
  serve()
  assert.ok((await underWay) instanceof PeerGone)
  await after.fetchPieces(ROOT, [1], [1_000], async () => {}, never)
  await a.until(() => a.network.connectionCount() === 1 && b.network.connectionCount() === 1)
  clearInterval(watching)
  assert.deepEqual(without, [])
  assert.match(b.events.join('; '), /^up [^;]*; down [^;]*renewed; up [^;]*$/)
  const [peerOfA] = a.peers
  peerOfA?.send({ type: 'since', after: 7 })
  await b.until(() => b.messages.some(({ peer, message }) => peer === after && message.type === 'since'))
})

test('a renewal that fails is tried again, and ends with the connection', async () => {
  const clock = new VirtualClock()
  let tries = 0
  let closed = () => {}
  const connection = { status: 'open', addEventListener: (_type: string, listener: () => void) => (closed = listener) }
  const dialAgain = async () => {
    tries++
    throw new Error('no route')
  }
  const renewal = new Renewal({ clock, random: () => 0, dialAgain })
  renewal.watch(connection as never)
  await clock.pass(RENEW_MS - 1)
  assert.equal(tries, 0)
  await clock.pass(1)
  assert.equal(tries, 1)
  await clock.pass(backoffMs(1, 0) + backoffMs(2, 0))
  assert.equal(tries, 3)
  connection.status = 'closed'
  await clock.pass(RENEW_MS)
  assert.equal(tries, 3)
  renewal.watch(connection as never)
  closed()
  await clock.pass(2 * RENEW_MS)
  assert.equal(tries, 3)
})
