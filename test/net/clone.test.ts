/** A host that was copied from another, with its identity or with its index, is noticed on both and refused. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:net'
import { test } from 'node:test'
import { Hosts } from './test-host.ts'

async function linesOf(...numbers: readonly number[]): Promise<{ ports: number[]; lines: string[] }> {
  const servers = numbers.map((n) => createServer().listen(0, `127.0.0.${n}`))
  await Promise.all(servers.map((server) => once(server, 'listening')))
  const ports = servers.map((server) => (server.address() as { port: number }).port)
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))))
  return { ports, lines: numbers.map((n, i) => `127.0.0.${n}:${ports[i]}`) }
}

test('a host with our identity is no second self, but a copy: both say so, and the own line stays what it is', async () => {
  await using hosts = new Hosts()
  const { ports, lines } = await linesOf(1, 2)
  const [lineA = '', lineB = ''] = lines
  const a = await hosts.start({ n: 1, port: ports[0] ?? 0, knownHosts: lines })
  const b = await hosts.start({ n: 2, identityOf: 1, port: ports[1] ?? 0, knownHosts: lines })
  for (const [host, own, other] of [
    [a, lineA, lineB],
    [b, lineB, lineA],
  ] as const) {
    const status = await host.untilState(other, 'clone')
    assert.match(status.why, /same identity.*On the one that is the copy, run `isosyncd new-identity`/)
    assert.equal((await host.untilState(own, 'self')).why, '')
    assert.ok(
      host.logged.some((line) => line.startsWith(`${other}: at ${other} answers a host with the same identity`)),
    )
    assert.deepEqual(host.events, [], 'nobody became a peer')
  }
})

test('a host with our index is refused on both sides', async () => {
  await using hosts = new Hosts()
  const a = await hosts.start({ n: 1, knownHosts: ['127.0.0.2:1'] })
  const b = await hosts.start({ n: 2, indexOf: 1, knownHosts: [a.line] })
  const status = await b.untilState(a.line, 'clone')
  assert.match(status.why, /same index \(replica 0000000000000001\) as this host: .*isosyncd new-identity/)
  await a.until(() => a.logged.some((line) => /same index .* as this host/.test(line)))
  assert.deepEqual([...a.events, ...b.events], [])
})

test('of two hosts with one index the second is refused, and the first goes on', async () => {
  await using hosts = new Hosts()
  const a = await hosts.start({ n: 1, knownHosts: ['127.0.0.2:1', '127.0.0.3:1'] })
  const b = await hosts.start({ n: 2, knownHosts: [a.line] })
  await a.peer()
  const c = await hosts.start({ n: 3, indexOf: 2, knownHosts: [a.line] })
  await a.until(() => a.logged.some((line) => line.includes('same index (replica 0000000000000002) as 127.0.0.2:1')))
  assert.equal((await b.peer()).host, a.line)
  assert.deepEqual(
    [...a.peers].map((peer) => peer.deviceName),
    ['device 2'],
  )
  assert.deepEqual(a.events, ['up 127.0.0.2:1'])
  await c.until(() => c.logged.some((line) => line.includes('shut this host out')))
})

test('a host that has got a new identity over its old index is let in when its former connection is dead', async () => {
  await using hosts = new Hosts()
  const a = await hosts.start({ n: 1, knownHosts: ['127.0.0.2:1', '127.0.0.3:1'] })
  const b = await hosts.start({ n: 2, knownHosts: [a.line] })
  await a.peer()
  await b.close()
  const again = await hosts.start({ n: 3, indexOf: 2, knownHosts: [a.line] })
  await again.untilState(a.line, 'proven')
})

test('a third host keeps to the one that it knows, and says which other has its identity', async () => {
  await using hosts = new Hosts()
  // Host 4 has the greater peer id: it is not the one that settles two connections without asking who calls.
  const c = await hosts.start({ n: 4, knownHosts: ['127.0.0.1:1', '127.0.0.2:1'] })
  const a = await hosts.start({ n: 1, knownHosts: [c.line] })
  await c.peer()
  const b = await hosts.start({ n: 2, identityOf: 1, indexOf: 2, knownHosts: [c.line] })
  await c.until(() => c.logged.some((line) => line.startsWith('127.0.0.2 is refused: it has the same identity as ')))
  await b.until(() => b.events.some((event) => /down .*same identity as .*isosyncd new-identity/.test(event)))
  assert.equal(c.events.length, 1, c.events.join())
  assert.equal((await a.peer()).host, c.line)
})

test('a third host takes a copy that has got an identity of its own for the host of its line', async () => {
  await using hosts = new Hosts()
  const { ports, lines } = await linesOf(1, 2)
  const [, lineB = ''] = lines
  const c = await hosts.start({ n: 4, knownHosts: lines })
  await hosts.start({ n: 1, port: ports[0] ?? 0, knownHosts: [c.line] })
  await c.peer()
  // Nobody dials from there: it is c that finds the identity of the first behind the second line.
  const copy = await hosts.start({ n: 2, identityOf: 1, indexOf: 2, port: ports[1] ?? 0, knownHosts: ['127.0.0.4:1'] })
  await c.until(() => c.link.hosts().every((host) => host.state === 'proven'))
  await copy.close()
  const mended = await hosts.start({ n: 2, port: ports[1] ?? 0, knownHosts: [c.line] })
  assert.equal((await mended.peer()).host, c.line)
  await c.until(() => [...c.peers].some((peer) => peer.host === lineB && peer.deviceName === 'device 2'))
  assert.equal(c.peers.size, 2)
})
