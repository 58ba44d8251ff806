import assert from 'node:assert/strict'
import { test } from 'node:test'
import { generateKeyPair } from '@libp2p/crypto/keys'
import { type Connection, type Libp2p } from '@libp2p/interface'
import { createNode } from '../../src/net/node.ts'
import { tcpRoundTripMs } from '../../src/net/tcp-round-trip.ts'
import { bareNeeds } from './test-host.ts'

async function startedNode(): Promise<Libp2p> {
  const identity = await generateKeyPair('Ed25519')
  const options = { listenPort: 0, listenAddresses: ['127.0.0.1'], identity, networkSecret: null }
  const node = await createNode(options, bareNeeds)
  await node.start()
  return node
}

test('both ends of a connection know how far the other is, until it is closed', async () => {
  const [here, there] = [await startedNode(), await startedNode()]
  const accepted = new Promise<Connection>((resolve) =>
    there.addEventListener('connection:open', ({ detail }) => resolve(detail), { once: true }),
  )
  const dialled = await here.dial(there.getMultiaddrs())
  for (const connection of [dialled, await accepted]) {
    const ms = tcpRoundTripMs(connection)
    assert.ok(ms > 0, `${ms} ms on the loopback interface`)
  }
  await dialled.close()
  assert.ok(Number.isNaN(tcpRoundTripMs(dialled)))
  await Promise.all([here.stop(), there.stop()])
})
