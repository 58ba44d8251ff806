import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type RootHash } from '../../src/base/brand.ts'
import { Gains } from '../../src/engine/gains.ts'
import { MAX_SMALL_CONTENTS } from '../../src/net/limits.ts'
import { type FolderMessage, type Peer } from '../../src/net/peer-port.ts'
import { VirtualClock } from '../net/virtual-clock.ts'

const LARGE = 'aa'.repeat(32) as RootHash
const smallRoot = (i: number) => i.toString(16).padStart(64, '0') as RootHash

function setup(peers: number) {
  const clock = new VirtualClock()
  const heard: FolderMessage[][] = Array.from({ length: peers }, () => [])
  const wanting = new Set(heard.map((messages) => ({ send: (m: FolderMessage) => void messages.push(m) }) as Peer))
  return { clock, heard, gains: new Gains({ wanting: () => wanting, clock }) }
}

test('what comes in one breath is told in one message, to all that want it', async () => {
  const { clock, heard, gains } = setup(2)
  for (const ordinal of [3, 1, 2]) gains.piece(LARGE, ordinal)
  for (let i = 0; i < 100; i++) gains.small(smallRoot(i))
  assert.equal(heard.flat().length, 0)
  await clock.pass(100)
  for (const messages of heard) {
    assert.deepEqual(
      messages.map(({ type }) => type),
      ['gained', 'small-have'],
    )
    assert.ok(messages.some((m) => m.type === 'gained' && m.ordinals.join() === '3,1,2'))
    assert.ok(messages.some((m) => m.type === 'small-have' && m.roots.length === 100))
  }
})

test('however many hosts want it, all have heard within 100 ms', async () => {
  for (const peers of [1, 7, 8, 15]) {
    const { clock, heard, gains } = setup(peers)
    gains.piece(LARGE, 0)
    await clock.pass(100)
    assert.ok(heard.every((messages) => messages.length === 1))
  }
})

test('no message is larger than a peer takes, and what has been told as a whole is not told again', async () => {
  const { clock, heard, gains } = setup(1)
  for (let i = 0; i < MAX_SMALL_CONTENTS + 1; i++) gains.small(smallRoot(i))
  gains.forget(smallRoot(0))
  gains.small(smallRoot(MAX_SMALL_CONTENTS + 1))
  await clock.pass(100)
  const counts = heard[0]?.map((message) => (message.type === 'small-have' ? message.roots.length : NaN))
  assert.deepEqual(counts, [MAX_SMALL_CONTENTS, 1])
})
