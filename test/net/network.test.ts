import assert from 'node:assert/strict'
import { connect } from 'node:net'
import { once } from 'node:events'
import { test } from 'node:test'
import fc from 'fast-check'
import { type RootHash } from '../../src/base/brand.ts'
import { generateSecret, readOnlySecret } from '../../src/base/secret.ts'
import { PeerGone, PieceRefused } from '../../src/net/peer-port.ts'
import { dialAddress } from '../../src/net/address.ts'
import { encodeFrame } from '../../src/net/codec.ts'
import { FOLDER_PROTOCOL } from '../../src/net/folder-net.ts'
import { framed } from '../../src/net/frame-reader.ts'
import { KEEPALIVE_MS } from '../../src/net/limits.ts'
import { createNode, identityFrom } from '../../src/net/node.ts'
import { PIECES_PROTOCOL } from '../../src/net/piece-streams.ts'
import { encodeRequest } from '../../src/net/pieces-request.ts'
import { makeHello } from '../../src/net/proof.ts'
import { startNetwork } from '../../src/net/network.ts'
import { systemClock } from '../../src/base/clock.ts'
import { silentLog } from '../../src/base/log.ts'
import { rootNamed } from '../db/index-samples.ts'
import { JumpingClock } from './jumping-clock.ts'
import { message } from './message-samples.ts'
import { bareNeeds, Cable, Hosts, keysOf, ROOT, SECRET, TestHost } from './test-host.ts'

const never = new AbortController().signal

/** Two hosts of which the second dials the first, proven. */
async function pair(hosts: Hosts, first: object = {}, second: object = {}) {
  const a = await hosts.start({ n: 1, knownHosts: ['127.0.0.2:1'], ...first })
  const b = await hosts.start({ n: 2, knownHosts: [a.line], ...second })
  return { a, b, peerOfA: await a.peer(), peerOfB: await b.peer() }
}

test('two hosts with the same secret become peers and know each other by their lines', async () => {
  await using hosts = new Hosts()
  const { a, b, peerOfB } = await pair(hosts, { site: 'north' })
  assert.equal(peerOfB.host, a.line)
  assert.equal(peerOfB.deviceName, 'device 1')
  assert.equal(peerOfB.site, 'north')
  assert.equal(peerOfB.writer, true)
  assert.equal(peerOfB.replica, '0000000000000001')
  const status = await b.untilState(a.line, 'proven')
  assert.deepEqual(status.addresses, ['127.0.0.1'])
  await b.until(() => peerOfB.rttMs() >= 0)
  assert.ok(status.receivedBytes > 0 && status.sentBytes > 0)
  // The other side lists it with another port: it is named by its address, and its line is dialled on.
  assert.equal((await a.peer()).host, '127.0.0.2:1')
})

test('a peer does not look farther when its answers queue up; the status tells how long they take', async () => {
  await using hosts = new Hosts()
  const clock = new JumpingClock()
  const a = await hosts.start({ n: 1, knownHosts: ['127.0.0.2:1'], clock })
  const cable = hosts.use(await Cable.to(a, '127.0.0.2'))
  const b = await hosts.start({ n: 2, knownHosts: [`127.0.0.2:${cable.port}`], clock })
  const peer = await b.peer()
  cable.delayMs = 150
  clock.jump(KEEPALIVE_MS)
  await b.until(() => (b.link.hosts()[0]?.rttMs ?? 0) >= 300)
  assert.ok(peer.rttMs() < 300, `${peer.rttMs()} ms`)
})

test('messages of every kind arrive whole and in order', async () => {
  await using hosts = new Hosts()
  const { b, peerOfA } = await pair(hosts)
  const sent = fc.sample(message, 300)
  for (const one of sent) peerOfA.send(one)
  await b.until(() => b.messages.length === sent.length)
  const types = (messages: readonly { type: string }[]) => messages.map(({ type }) => type)
  assert.deepEqual(types(b.messages.map((m) => m.message)), types(sent))
  assert.ok(b.messages.every(({ peer }) => b.peers.has(peer)))
})

test('a host with the read-only secret is a peer that may not write', async () => {
  await using hosts = new Hosts()
  const { peerOfA, peerOfB } = await pair(hosts, {}, { secret: readOnlySecret(SECRET) })
  assert.equal(peerOfA.writer, false)
  assert.equal(peerOfB.writer, true)
})

test('a host with another secret is no peer, both sides say so, and it is tried again', async () => {
  await using hosts = new Hosts()
  const a = await hosts.start({ n: 1, knownHosts: ['127.0.0.2:1'] })
  const b = await hosts.start({ n: 2, knownHosts: [a.line], secret: generateSecret() })
  const status = await b.untilState(a.line, 'wrong-secret')
  assert.match(status.why, /same secret/)
  assert.ok((status.nextTryInMs ?? -1) >= 0)
  await b.until(() => b.logged.some((line) => /is connected, but no peer of folder/.test(line)))
  await a.until(() => a.logged.some((line) => /asked for a folder.*give both the same secret/.test(line)))
  assert.deepEqual([...a.events, ...b.events], [])
})

test('nothing of the folder leaves before the proof: what an unproven host can read has fixed lengths', async () => {
  await using hosts = new Hosts()
  const lengths: number[][] = []
  for (const { own, site } of [
    { own: 'x', site: 'north' },
    { own: 'a-very-long-name-'.repeat(20), site: 'a-very-long-site-'.repeat(20) },
  ]) {
    const a = await hosts.start({ n: 1, knownHosts: ['127.0.0.2:1'], site, servePieceList: () => Buffer.from(own) })
    const b = await hosts.start({ n: 2, knownHosts: [a.line], secret: generateSecret() })
    await b.untilState(a.line, 'wrong-secret')
    lengths.push([b.status(a.line).receivedBytes, b.status(a.line).sentBytes])
    await Promise.all([a.close(), b.close()])
  }
  assert.deepEqual(lengths[0], lengths[1])
})

test('a host that has proven nothing gets no piece and no word, however it asks', async () => {
  await using hosts = new Hosts()
  let served = 0
  const servePieceList = () => (served++, new Uint8Array(3))
  const a = await hosts.start({ n: 1, knownHosts: ['127.0.0.2:1'], servePieceList })
  const identity = await identityFrom(new Uint8Array(32).fill(2))
  const options = { listenPort: 0, listenAddresses: ['127.0.0.2'], identity, networkSecret: null }
  const stranger = await createNode(options, bareNeeds)
  await stranger.start()
  try {
    const connection = await stranger.dial(dialAddress('127.0.0.1', a.network.port))
    const folder = keysOf(SECRET).id
    const asking = [
      framed(encodeRequest({ type: 'open', folder })),
      framed(encodeRequest({ type: 'list', id: 1, root: ROOT })),
    ]
    const skipping = [
      framed(makeHello(folder, true)),
      framed(encodeFrame({ type: 'message', message: { type: 'since', after: 0 } })),
    ]
    const cases = [
      [PIECES_PROTOCOL, asking, 0],
      [FOLDER_PROTOCOL, skipping, framed(makeHello(folder, true)).byteLength],
      [FOLDER_PROTOCOL, [new Uint8Array(10_000).fill(0x41)], 0],
    ] as const
    for (const [protocol, say, mayHear] of cases) {
      const stream = await connection.newStream([protocol])
      let heard = 0
      stream.addEventListener('message', ({ data }) => (heard += data.byteLength))
      const closed = new Promise((resolve) => stream.addEventListener('close', resolve))
      for (const bytes of say) stream.send(bytes)
      await closed
      assert.ok(heard <= mayHear, `${heard} bytes on ${protocol}`)
    }
    assert.equal(served, 0)
    assert.deepEqual(a.events, [])
  } finally {
    await stranger.stop()
  }
})

test('a peer that is gone is not served on what is left of its connection', async () => {
  await using hosts = new Hosts()
  let served = 0
  const servePieceList = () => (served++, new Uint8Array(3))
  const { a, b, peerOfB } = await pair(hosts, { servePieceList })
  assert.equal((await peerOfB.fetchPieceList(ROOT, 10, never)).byteLength, 3)
  a.link.close()
  await b.until(() => b.events.some((event) => event.startsWith('down')))
  await assert.rejects(peerOfB.fetchPieceList(ROOT, 10, never), PeerGone)
  assert.equal(served, 1)
})

test('all bytes of pieces arrive, from several requests at a time', async () => {
  await using hosts = new Hosts()
  const length = 200_000
  const pieceOf = (ordinal: number) => Buffer.alloc(length, ordinal)
  const servePiece = async (ordinal: number) => {
    const bytes = pieceOf(ordinal)
    return { bytes, release: () => void bytes.fill(0xee) }
  }
  const { peerOfB } = await pair(hosts, { servePiece })
  let received = 0
  const receive = async (ordinal: number, bytes: Uint8Array) => {
    assert.ok(pieceOf(ordinal).equals(bytes), `piece ${ordinal}`)
    received += bytes.byteLength
  }
  const request = (first: number) => {
    const ordinals = Array.from({ length: 25 }, (_, i) => first + i)
    return peerOfB.fetchPieces(
      ROOT,
      ordinals,
      ordinals.map(() => length),
      receive,
      never,
    )
  }
  await Promise.all([0, 25, 50, 75, 100, 125].map(request))
  assert.equal(received, 150 * length)
  await assert.rejects(peerOfB.fetchPieces(ROOT, [1], [5], receive, never), PieceRefused)
})

test('small contents are asked for by the hundred, and come in the order asked', async () => {
  await using hosts = new Hosts()
  const contents = new Map(Array.from({ length: 300 }, (_, i) => [rootNamed(`${i}`), Buffer.alloc(1 + i, i)]))
  const servePiece = async (_ordinal: number, root: RootHash) => {
    const bytes = contents.get(root)
    return bytes === undefined ? null : { bytes, release: () => {} }
  }
  const { peerOfB } = await pair(hosts, { servePiece })
  const roots = [...contents.keys()]
  const lengths = [...contents.values()].map(({ byteLength }) => byteLength)
  const got: Buffer[] = []
  const receive = async (i: number, bytes: Uint8Array) => {
    assert.equal(i, got.length)
    got.push(Buffer.from(bytes))
  }
  await peerOfB.fetchContents(roots, lengths, receive, never)
  assert.deepEqual(got, [...contents.values()])
  await assert.rejects(peerOfB.fetchContents([rootNamed('300')], [1], receive, never), PieceRefused)
  await assert.rejects(peerOfB.fetchContents(Array<RootHash>(1_001).fill(ROOT), [], receive, never), RangeError)
})

test('a peer that vanishes in the middle of a transfer is gone for those who wait, and comes back', async () => {
  await using hosts = new Hosts()
  const a = await hosts.start({
    n: 1,
    knownHosts: ['127.0.0.2:1'],
    servePiece: async () => ({ bytes: Buffer.alloc(500_000), release: () => {} }),
  })
  const cable = hosts.use(await Cable.to(a, '127.0.0.2'))
  const b = await hosts.start({ n: 3, knownHosts: [`127.0.0.2:${cable.port}`] })
  const peer = await b.peer()
  const ordinals = Array.from({ length: 400 }, (_, i) => i)
  const receive = async (ordinal: number) => void (ordinal === 5 && cable.cut())
  await assert.rejects(
    peer.fetchPieces(
      ROOT,
      ordinals,
      ordinals.map(() => 500_000),
      receive,
      never,
    ),
    PeerGone,
  )
  await b.until(() => b.events.filter((event) => event.startsWith('up')).length === 2)
  assert.equal(b.peers.size, 1)
})

test('what passes on the wire shows no name, secret or content', async () => {
  await using hosts = new Hosts()
  const bytes = Buffer.from('a content that nobody may read'.repeat(100))
  const a = await hosts.start({
    n: 1,
    knownHosts: ['127.0.0.2:1'],
    site: 'secret-site',
    servePiece: async () => ({ bytes, release: () => {} }),
  })
  const cable = hosts.use(await Cable.to(a, '127.0.0.2'))
  const b = await hosts.start({ n: 3, knownHosts: [`127.0.0.2:${cable.port}`] })
  await (await b.peer()).fetchPieces(ROOT, [0], [bytes.byteLength], async () => {}, never)
  const all = Buffer.concat(cable.seen)
  for (const text of ['device 1', 'secret-site', 'nobody may read', 'isosync/1/folder'])
    assert.equal(all.indexOf(text), -1, text)
  assert.equal(all.indexOf(Buffer.from(ROOT, 'hex')), -1)
})

test('two hosts that dial each other end with one connection and one peer each', async () => {
  for (let round = 0; round < 2; round++) {
    await using hosts = new Hosts()
    const ports = await Promise.all([freePort('127.0.0.1'), freePort('127.0.0.2')])
    const lines = ports.map((port, i) => `127.0.0.${i + 1}:${port}`)
    const [a, b] = await Promise.all(ports.map((port, i) => hosts.start({ n: i + 1, port, knownHosts: lines })))
    assert.ok(a !== undefined && b !== undefined)
    await Promise.all([a.untilState(lines[1] ?? '', 'proven'), b.untilState(lines[0] ?? '', 'proven')])
    await a.until(() => a.network.connectionCount() === 1 && b.network.connectionCount() === 1)
    assert.deepEqual([a.events.length, b.events.length], [1, 1], 'up once, and never down')
    const [peerOfA] = a.peers
    peerOfA?.send({ type: 'since', after: 7 })
    await b.until(() =>
      b.messages.some(({ peer, message: m }) => b.peers.has(peer) && m.type === 'since' && m.after === 7),
    )
  }
})

test('a line that names this host itself is recognised and left alone', async () => {
  await using hosts = new Hosts()
  const port = await freePort('127.0.0.1')
  const line = `127.0.0.1:${port}`
  const a = await hosts.start({ n: 1, port, knownHosts: [line] })
  const status = await a.untilState(line, 'self')
  assert.equal(status.self, true)
  assert.equal(status.why, '')
  assert.equal(status.nextTryInMs, null)
  assert.deepEqual(a.events, [])
})

test('a name that does not resolve is shown, and a host behind a name that resolves anew is reached', async () => {
  await using hosts = new Hosts()
  const a = await hosts.start({ n: 1, knownHosts: ['127.0.0.2:1'] })
  let addresses: readonly string[] = []
  const resolve = async (name: string) => {
    assert.equal(name, 'store.example')
    if (addresses.length === 0) throw Object.assign(new Error('no such name'), { code: 'ENOTFOUND' })
    return addresses
  }
  const line = `store.example:${a.network.port}`
  const b = await hosts.start({ n: 2, knownHosts: [line], resolve })
  const status = await b.untilState(line, 'unresolved')
  assert.match(status.why, /store\.example does not resolve \(ENOTFOUND\)/)
  addresses = ['127.0.0.9']
  b.network.retryNow()
  assert.match((await b.untilState(line, 'unreachable')).why, /nothing listens at/)
  addresses = ['127.0.0.9', '::ffff:127.0.0.1']
  b.network.retryNow()
  assert.deepEqual((await b.untilState(line, 'proven')).addresses, ['127.0.0.9', '127.0.0.1'])
})

test('a stranger is turned away before it hears a byte, and the log says what to do', async () => {
  await using hosts = new Hosts()
  const a = await hosts.start({ n: 1, knownHosts: ['127.0.0.2:1'] })
  const [address = '', port = ''] = a.line.split(':')
  const stranger = connect({ host: address, port: Number(port), localAddress: '127.0.0.66' })
  let heard = 0
  stranger.on('data', (bytes: Buffer) => (heard += bytes.byteLength))
  stranger.on('error', () => {})
  stranger.write('\x13/multistream/1.0.0\n')
  await new Promise((resolve) => stranger.on('close', resolve))
  assert.equal(heard, 0)
  assert.ok(a.logged.some((line) => /refused a connection from 127\.0\.0\.66.*add it to known_hosts/.test(line)))
  const c = await hosts.start({ n: 66, knownHosts: [a.line] })
  assert.match((await c.untilState(a.line, 'refused')).why, /does its known_hosts name this host/)
  assert.equal(a.logged.filter((line) => line.includes('refused')).length, 1)
})

test('with known_hosts_only off, a host that is not listed is a peer by its address', async () => {
  await using hosts = new Hosts()
  const a = await hosts.start({ n: 1, knownHosts: [], knownHostsOnly: false })
  const b = await hosts.start({ n: 2, knownHosts: [a.line] })
  assert.equal((await a.peer()).host, b.line)
})

test('without the same network_secret no handshake completes', async () => {
  const cases = [
    ['another', 'one', 'two'],
    ['none there', undefined, 'two'],
    ['none here', 'one', undefined],
  ] as const
  for (const [name, first, second] of cases) {
    await using hosts = new Hosts()
    const a = await hosts.start({
      n: 1,
      knownHosts: ['127.0.0.2:1'],
      ...(first === undefined ? {} : { networkSecret: first }),
    })
    const b = await hosts.start({
      n: 2,
      knownHosts: [a.line],
      ...(second === undefined ? {} : { networkSecret: second }),
    })
    const status = await b.untilState(a.line, 'wrong-network-secret')
    assert.match(status.why, /another network_secret/, name)
    assert.equal(a.network.connectionCount(), 0, name)
    b.network.retryNow()
    await a.until(() => a.logged.some((line) => /127\.0\.0\.2 begins handshakes.*another network_secret/.test(line)))
  }
  await using hosts = new Hosts()
  await pair(hosts, { networkSecret: 'same' }, { networkSecret: 'same' })
})

test('a peer that is banned goes, hears why, and stays out', async () => {
  await using hosts = new Hosts()
  const { a, b, peerOfA } = await pair(hosts)
  peerOfA.ban('it sent rubbish')
  await b.until(() => b.events.some((event) => /^down .*it sent rubbish/.test(event)))
  assert.ok(a.events.some((event) => /^down .*it sent rubbish/.test(event)))
  assert.equal(b.peers.size, 0)
  b.network.retryNow()
  const status = await b.untilState(a.line, 'banned')
  assert.match(status.why, /shut this host out of the folder for an hour.*its log says what/)
  await b.until(() => b.logged.some((line) => /shut this host out of the folder for an hour/.test(line)))
  assert.ok(a.logged.some((line) => /is shut out of this folder for an hour: it sent rubbish/.test(line)))
  assert.equal(a.peers.size, 0)
})

test('a host taken out of known_hosts is no peer any more', async () => {
  await using hosts = new Hosts()
  const { a, b } = await pair(hosts)
  b.link.update({ knownHosts: [] })
  await a.until(() => a.events.some((event) => /^down .*no longer in known_hosts/.test(event)))
  assert.equal(b.link.peers().length, 0)
  assert.deepEqual(b.link.hosts(), [])
})

test('a host that stops says so', async () => {
  await using hosts = new Hosts()
  const { a, b } = await pair(hosts)
  await a.close()
  await b.until(() => b.events.some((event) => /^down .*the daemon stops/.test(event)))
})

test('hosts of one site are exempt from the limit', async () => {
  await using hosts = new Hosts()
  const bytes = Buffer.alloc(500_000, 1)
  const servePiece = async () => ({ bytes, release: () => {} })
  const { peerOfB } = await pair(hosts, { site: 'north', upload: 1, servePiece }, { site: 'north' })
  let received = 0
  await peerOfB.fetchPieces(ROOT, [0], [500_000], async (_ordinal, piece) => void (received += piece.byteLength), never)
  assert.equal(received, 500_000)
})

test('a port that is taken is said in plain words', async () => {
  await using hosts = new Hosts()
  const a = await hosts.start({ n: 1 })
  const again = TestHost.start({ n: 1, port: a.network.port })
  await assert.rejects(again, /port [0-9]+ is in use by another program: stop it, or change listening_port/)
})

test('it listens on IPv4 and IPv6 by default, on one port', async () => {
  const port = await freePort('0.0.0.0')
  const network = await startNetwork(
    {
      listenPort: port,
      identity: new Uint8Array(32).fill(9),
      networkSecret: null,
      knownHostsOnly: false,
      uploadBytesPerSecond: null,
      downloadBytesPerSecond: null,
      limitLocalPeers: false,
      deviceName: 'x',
      site: null,
    },
    { clock: systemClock, log: silentLog },
  )
  try {
    assert.equal(network.port, port)
    for (const host of ['127.0.0.1', '::1']) {
      const socket = connect({ host, port })
      const [what] = await Promise.race([once(socket, 'connect').then(() => ['connect']), once(socket, 'error')])
      if (host === '127.0.0.1' || !String(what).includes('EADDRNOTAVAIL')) assert.equal(what, 'connect')
      socket.on('error', () => {}).destroy()
    }
  } finally {
    await network.close()
  }
})

test('a transfer costs the other direction almost nothing, and the wire little more than the bytes', async () => {
  await using hosts = new Hosts()
  const bytes = Buffer.alloc(500_000, 1)
  const servePiece = async () => ({ bytes, release: () => {} })
  const a = await hosts.start({ n: 1, knownHosts: ['127.0.0.2:1'], servePiece })
  const cable = hosts.use(await Cable.to(a, '127.0.0.2'))
  const b = await hosts.start({ n: 3, knownHosts: [`127.0.0.2:${cable.port}`] })
  const peer = await b.peer()
  const before = { ...cable.bytes }
  const ordinals = Array.from({ length: 60 }, (_, i) => i)
  await peer.fetchPieces(
    ROOT,
    ordinals,
    ordinals.map(() => 500_000),
    async () => {},
    never,
  )
  const [there, back] = [cable.bytes.back - before.back, cable.bytes.there - before.there]
  assert.ok(there < 30_000_000 * 1.002, `${there} bytes for 30 MB`)
  assert.ok(back < 5_000, `${back} bytes of window updates and credit`)
})

async function freePort(address: string): Promise<number> {
  const { createServer } = await import('node:net')
  const server = createServer().listen(0, address)
  await once(server, 'listening')
  const found = server.address()
  server.close()
  await once(server, 'close')
  if (typeof found !== 'object' || found === null) throw new Error('no port')
  return found.port
}
