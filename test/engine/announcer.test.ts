/** What peers may say of how far they are. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Announcer } from '../../src/engine/announcer.ts'
import { encodeFrame } from '../../src/net/codec.ts'
import { MAX_MESSAGE_BYTES } from '../../src/net/limits.ts'
import { type FolderMessage, type Peer } from '../../src/net/peer-port.ts'
import { MOST_EARLIER } from '../../src/sync/record.ts'
import { fileRecord, replicaNamed, rootNamed } from '../db/index-samples.ts'

function setup(writer: boolean, records = ['f1', 'f2'].map((at) => fileRecord(at, 'c'))) {
  const outdated: string[] = []
  const sent: FolderMessage[] = []
  const all = records.map((record, i) => ({ sequence: i + 1, record }))
  const recordsAfter = (after: number) => all.filter(({ sequence }) => sequence > after)
  const announcer = new Announcer({
    index: { recordsAfter, lastSequence: () => all.length },
    outdated: (why) => void outdated.push(why),
  })
  const peer = { host: 'b', replica: replicaNamed('b'), writer, send: (m: FolderMessage) => void sent.push(m) }
  return { announcer, peer: peer as unknown as Peer, outdated, sent }
}

test('an index is given up when a writer has stored more of it than it knows', () => {
  const { announcer, peer, outdated, sent } = setup(true)
  announcer.asked(peer, 3)
  assert.equal(outdated.length, 1)
  assert.deepEqual(sent, [])
})

test('a holder of the read-only secret cannot make an index be given up: he gets everything again', () => {
  const { announcer, peer, outdated, sent } = setup(false)
  announcer.asked(peer, 1_000_000)
  assert.deepEqual(outdated, [])
  assert.deepEqual(
    sent.map((m) => m.type === 'records' && [m.after, m.upTo, m.records.length]),
    [[0, 2, 2]],
  )
})

test('no page is larger than the wire allows, however long paths, versions and histories are', () => {
  const name = 'ä'.repeat(75)
  const earlier = Array.from({ length: MOST_EARLIER }, (_, i) => rootNamed(`earlier ${i}`))
  const records = Array.from({ length: 2_000 }, (_, i) => ({ ...fileRecord(`${name}${i}`, `${i}`), earlier }))
  const { announcer, peer, sent } = setup(true, records)
  announcer.asked(peer, 0)
  assert.ok(sent.length > 0)
  for (const message of sent) {
    const { byteLength } = encodeFrame({ type: 'message', message })
    assert.ok(byteLength <= MAX_MESSAGE_BYTES, `a page of ${byteLength} bytes`)
  }
})
