import assert from 'node:assert/strict'
import { test } from 'node:test'
import { systemClock } from '../../src/base/clock.ts'
import { silentLog } from '../../src/base/log.ts'
import { PieceLists } from '../../src/engine/piece-lists.ts'
import { type Peer } from '../../src/net/peer-port.ts'
import { packPieceList, rootHash } from '../../src/sync/piece-list.ts'
import { listOf } from '../db/index-samples.ts'

const SMALL = listOf(['small'])
const LARGE = listOf(Array.from({ length: 64 }, (_, i) => `large ${i}`))

/** `has` is what the one peer answers when it is asked for a list. */
function setup(has = SMALL) {
  const did: string[] = []
  const peer = {
    host: 'b',
    fetchPieceList: () => (did.push('asked'), Promise.resolve(packPieceList(has))),
    ban: (why: string) => void did.push(why),
  } as unknown as Peer
  const committer = { commit: () => (did.push('kept'), Promise.resolve()) }
  const index = { pieceList: () => null }
  const lists = new PieceLists({ index, committer, peers: () => [peer], clock: systemClock, log: silentLog })
  return { lists, peer, did, signal: new AbortController().signal }
}

test('a short list that a peer tells is kept, and nobody is asked for it', async () => {
  const { lists, peer, did, signal } = setup()
  const got = lists.get(rootHash(SMALL), SMALL.size, signal)
  lists.told(peer, rootHash(SMALL), packPieceList(SMALL))
  assert.deepEqual(packPieceList(await got), packPieceList(SMALL))
  assert.deepEqual(did, ['kept'])
})

test('a peer that tells that it has something, and not the list, is asked', async () => {
  const { lists, peer, did, signal } = setup()
  const got = lists.get(rootHash(SMALL), SMALL.size, signal)
  lists.told(peer, rootHash(SMALL), null)
  await got
  assert.deepEqual(did, ['asked', 'kept'])
})

test('a peer that tells a wrong list is shut out, and others are asked', async () => {
  const { lists, peer, did, signal } = setup()
  const got = lists.get(rootHash(SMALL), SMALL.size, signal)
  lists.told(peer, rootHash(SMALL), packPieceList(listOf(['another'])))
  await got
  assert.match(did[0] ?? '', /wrong piece list/)
  assert.deepEqual(did.slice(1), ['asked', 'kept'])
})

test('a list that is too long to be told is asked for at once', async () => {
  const { lists, did, signal } = setup(LARGE)
  await lists.get(rootHash(LARGE), LARGE.size, signal)
  assert.deepEqual(did, ['asked', 'kept'])
})
