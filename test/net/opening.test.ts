import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect, createServer, type Socket } from 'node:net'
import { test, type TestContext } from 'node:test'
import * as limits from '../../src/net/limits.ts'
import { OPENING, saysOpening } from '../../src/net/opening.ts'
import { VirtualClock } from './virtual-clock.ts'

/** Both ends of a connection. */
async function connected(t: TestContext): Promise<{ caller: Socket; called: Socket }> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const caller = connect({ host: '127.0.0.1', port: (server.address() as { port: number }).port, noDelay: true })
  const [called] = (await once(server, 'connection')) as [Socket]
  for (const socket of [caller, called]) socket.on('error', () => {})
  t.after(() => [caller, called].forEach((socket) => socket.destroy()))
  server.close()
  return { caller, called }
}

const noTime = new VirtualClock()

test('whoever says the opening is heard from its beginning, with what follows', async (t) => {
  const { caller, called } = await connected(t)
  const says = saysOpening(called, noTime)
  caller.end(Buffer.concat([OPENING, Buffer.from('and more')]))
  assert.equal(await says, true)
  let heard = ''
  called.on('data', (bytes: Buffer) => (heard += bytes.toString('latin1')))
  await once(called, 'end')
  assert.equal(heard, `${OPENING.toString('latin1')}and more`)
})

test('the opening may come in parts', async (t) => {
  const { caller, called } = await connected(t)
  const says = saysOpening(called, noTime)
  for (const byte of OPENING) {
    caller.write(Buffer.of(byte))
    await new Promise(setImmediate)
  }
  assert.equal(await says, true)
  const [heard] = (await once(called, 'data')) as [Buffer]
  assert.deepEqual(heard, OPENING)
})

test('whoever says something else is known at the first byte that differs', async (t) => {
  for (const said of [Buffer.of(0), OPENING.subarray(1), Buffer.from('GET / HTTP/1.1\r\n')]) {
    const { caller, called } = await connected(t)
    const says = saysOpening(called, noTime)
    caller.write(said)
    assert.equal(await says, false)
  }
})

test('whoever says nothing, or goes, has not said it', async (t) => {
  const clock = new VirtualClock()
  const silent = await connected(t)
  const saysSilent = saysOpening(silent.called, clock)
  silent.caller.write(OPENING.subarray(0, 5))
  const gone = await connected(t)
  const saysGone = saysOpening(gone.called, clock)
  gone.caller.resetAndDestroy()
  assert.equal(await saysGone, false)
  await clock.pass(limits.OPENING_TIMEOUT_MS)
  assert.equal(await saysSilent, false)
})
