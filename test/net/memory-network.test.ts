import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type FolderId, type HostName, type RelPath, type RootHash } from '../../src/base/brand.ts'
import { MemoryNetwork } from '../../src/net/memory-network.ts'
import { type FolderMessage, type Peer, PeerGone, PieceRefused } from '../../src/net/peer-port.ts'
import { replicaOf } from './test-host.ts'
import { VirtualClock } from './virtual-clock.ts'

const ROOT = 'cd'.repeat(32) as RootHash
const FOLDER = 'ef'.repeat(16) as FolderId
const never = new AbortController().signal

function world(count: number) {
  const clock = new VirtualClock()
  const network = new MemoryNetwork({ latencyMs: 10 }, { clock })
  const hosts = Array.from({ length: count }, (_, n) => {
    const peers = new Map<HostName, Peer>()
    const messages: FolderMessage[] = []
    const name = `host${n}:1` as HostName
    const handlers = {
      up: (peer: Peer) => void peers.set(peer.host, peer),
      down: (peer: Peer) => void peers.delete(peer.host),
      message: (_peer: Peer, message: FolderMessage) => void messages.push(message),
      servePieceList: () => Buffer.from('list'),
      servePiece: async (_root: RootHash, ordinal: number) =>
        ordinal === 9 ? null : { bytes: Buffer.alloc(4, ordinal), release: () => {} },
    }
    const link = network.openFolder({ name, site: null, writer: true, folder: FOLDER, replica: replicaOf(n), handlers })
    return { name, peers, messages, link }
  })
  return { clock, network, hosts }
}

test('hosts of one folder become peers after a while, and messages arrive in order', async () => {
  const { clock, hosts } = world(3)
  const [a, b] = hosts
  assert.equal(a?.peers.size, 0)
  await clock.pass(10)
  assert.deepEqual(
    hosts.map((host) => host.link.peers().length),
    [2, 2, 2],
  )
  const peer = a?.peers.get('host1:1' as HostName)
  for (let after = 0; after < 20; after++) peer?.send({ type: 'since', after })
  assert.equal(b?.messages.length, 0)
  await clock.pass(10)
  assert.deepEqual(
    b?.messages.map((m) => (m.type === 'since' ? m.after : -1)),
    Array.from({ length: 20 }, (_, i) => i),
  )
})

test('a host that breaks the protocol is shut out', async () => {
  const { clock, hosts } = world(2)
  await clock.pass(10)
  const [a, b] = hosts
  a?.peers.get('host1:1' as HostName)?.send({ type: 'where', id: 1, path: '../etc/passwd' as RelPath })
  await clock.pass(10)
  assert.deepEqual(b?.messages, [])
  assert.equal(b?.peers.size, 0)
})

test('pieces arrive in order, and what is not there is refused', async () => {
  const { clock, hosts } = world(2)
  await clock.pass(10)
  const peer = hosts[0]?.peers.get('host1:1' as HostName)
  assert.ok(peer !== undefined)
  const got: number[] = []
  const fetch = peer.fetchPieces(
    ROOT,
    [3, 1],
    [4, 4],
    async (ordinal, bytes) => void got.push(ordinal, bytes[0] ?? -1),
    never,
  )
  await clock.pass(100)
  await fetch
  assert.deepEqual(got, [3, 3, 1, 1])
  const refused = assert.rejects(
    peer.fetchPieces(ROOT, [9], [4], async () => {}, never),
    PieceRefused,
  )
  await clock.pass(100)
  await refused
})

test('whole contents arrive in order, each as its only piece, and what is not there is refused', async () => {
  const { clock, hosts } = world(2)
  await clock.pass(10)
  const peer = hosts[0]?.peers.get('host1:1' as HostName)
  assert.ok(peer !== undefined)
  const got: number[] = []
  const receive = async (i: number, bytes: Uint8Array) => void got.push(i, bytes.byteLength)
  const fetch = assert.rejects(peer.fetchContents([ROOT, ROOT, ROOT], [4, 4, 9], receive, never), PieceRefused)
  await clock.pass(100)
  await fetch
  assert.deepEqual(got, [0, 4, 1, 4])
})

test('a cut takes the peers and all that is under way, and a join brings new ones', async () => {
  const { clock, network, hosts } = world(2)
  await clock.pass(10)
  const [a, b] = hosts
  const peer = a?.peers.get('host1:1' as HostName)
  assert.ok(a !== undefined && b !== undefined && peer !== undefined)
  peer.send({ type: 'since', after: 1 })
  const gone = assert.rejects(peer.fetchPieceList(ROOT, 10, never), PeerGone)
  network.cut(a.name, b.name)
  await clock.pass(100)
  await gone
  assert.deepEqual([a.peers.size, b.peers.size, b.messages.length], [0, 0, 0])
  network.join(b.name, a.name)
  await clock.pass(10)
  assert.deepEqual([a.peers.size, b.peers.size], [1, 1])
  b.link.close()
  assert.equal(a.peers.size, 0)
})

test('a stall holds up one direction only, and nothing of it is lost', async () => {
  const { clock, network, hosts } = world(2)
  await clock.pass(10)
  const [a, b] = hosts
  assert.ok(a !== undefined && b !== undefined)
  network.stall(a.name, b.name)
  const [toB, toA] = [a.peers.get(b.name), b.peers.get(a.name)]
  for (const after of [1, 2]) toB?.send({ type: 'since', after })
  toA?.send({ type: 'since', after: 3 })
  await clock.pass(1000)
  assert.deepEqual([a.messages.length, b.messages.length], [1, 0])
  network.flow(a.name, b.name)
  await clock.pass(0)
  assert.deepEqual(
    b.messages.map((m) => m.type === 'since' && m.after),
    [1, 2],
  )
})
