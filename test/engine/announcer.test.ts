/** What peers may say of how far they are. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Announcer } from '../../src/engine/announcer.ts'
import { type FolderMessage, type Peer } from '../../src/net/peer-port.ts'
import { fileRecord, replicaNamed } from '../db/index-samples.ts'

function setup(writer: boolean) {
  const outdated: string[] = []
  const sent: FolderMessage[] = []
  const all = [1, 2].map((sequence) => ({ sequence, record: fileRecord(`f${sequence}`, 'c') }))
  const recordsAfter = (after: number) => all.filter(({ sequence }) => sequence > after)
  const announcer = new Announcer({
    index: { recordsAfter, lastSequence: () => 2 },
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
