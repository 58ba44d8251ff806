import assert from 'node:assert/strict'
import { test } from 'node:test'
import { AbstractStream } from '@libp2p/utils'
import fc from 'fast-check'
import { directMessages } from '../../src/net/direct-messages.ts'
import { silentLogger } from '../../src/net/node.ts'

class SilentStream extends AbstractStream {
  constructor() {
    super({ id: '1', log: silentLogger.forComponent('test'), direction: 'inbound' })
  }
  sendData(data: { byteLength: number }) {
    return { sentBytes: data.byteLength, canSendMore: true }
  }
  sendReset(): void {}
  sendPause(): void {}
  sendResume(): void {}
  async sendCloseWrite(): Promise<void> {}
  async sendCloseRead(): Promise<void> {}
}

type Step = 'data' | 'pause' | 'resume' | 'listen' | 'stop' | 'once' | 'ended'

/** What a listener hears, byte by byte, of numbered bytes while the stream is used in all the ways there are. */
async function heard(steps: readonly Step[], direct: boolean): Promise<number[]> {
  const stream = new SilentStream()
  if (direct) directMessages(stream)
  const bytes: number[] = []
  const listener = (event: { data: { subarray(): Uint8Array } }) => void bytes.push(...event.data.subarray())
  let next = 0
  for (const step of steps) {
    if (step === 'data') stream.onData(Uint8Array.of(next++))
    else if (step === 'pause') stream.pause()
    else if (step === 'resume') stream.resume()
    else if (step === 'listen') stream.addEventListener('message', listener)
    else if (step === 'once') stream.addEventListener('message', listener, { once: true })
    else if (step === 'stop') stream.removeEventListener('message', listener)
    else stream.onRemoteCloseWrite()
    await new Promise((resolve) => setImmediate(resolve))
  }
  return bytes
}

test('without events the same bytes are heard, in the same order, however the stream is used', async () => {
  const step = fc.constantFrom<Step>('data', 'data', 'data', 'listen', 'listen', 'pause', 'resume', 'stop', 'once')
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 20 }), async (steps) => {
      assert.deepEqual(await heard(steps, true), await heard(steps, false))
    }),
  )
})

test('what comes before somebody listens, and while the other side closes, is not lost', async () => {
  const steps: Step[] = [
    'data',
    'data',
    'listen',
    'data',
    'pause',
    'data',
    'data',
    'resume',
    'data',
    'pause',
    'data',
    'ended',
  ]
  assert.deepEqual(await heard([...steps, 'resume'], true), [0, 1, 2, 3, 4, 5, 6])
})

test('a listener is called directly: no event is made', async () => {
  const stream = new SilentStream()
  directMessages(stream)
  const events: unknown[] = []
  stream.addEventListener('message', (event) => void events.push(event))
  stream.onData(Uint8Array.of(1))
  assert.equal(events.length, 1)
  assert.ok(!(events[0] instanceof Event))
})
