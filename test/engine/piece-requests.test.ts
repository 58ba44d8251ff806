import assert from 'node:assert/strict'
import { test } from 'node:test'
import { silentLog } from '../../src/base/log.ts'
import { PieceRequests } from '../../src/engine/piece-requests.ts'
import { type Transfer } from '../../src/engine/transfer.ts'
import { type Peer, PeerGone } from '../../src/net/peer-port.ts'
import { VirtualClock } from '../net/virtual-clock.ts'

test('a peer whose connection has ended is not asked again and again before it is taken away', async () => {
  const clock = new VirtualClock()
  let asked = 0
  const fetchPieces = () => Promise.reject(++asked > 1000 ? new Error('asked for ever') : new PeerGone('ended'))
  const peer = { host: 'b', replica: 'b', rttMs: () => 1, fetchPieces } as unknown as Peer
  let free = true
  const picker = {
    pick: () => (free ? ((free = false), [0]) : []),
    released: () => (free = true),
    refused: () => {},
  }
  const transfer = {
    root: 'r',
    picker,
    lengthOf: () => 10,
    signal: new AbortController().signal,
  } as unknown as Transfer
  const requests: PieceRequests = new PieceRequests({
    clock,
    log: silentLog,
    room: (ended) => void requests.ask(transfer, ended),
    refused: () => {},
    got: () => {},
    failed: () => {},
  })
  requests.ask(transfer, peer)
  await clock.pass(250)
  assert.ok(asked <= 4, `asked ${asked} times in a quarter of a second`)
})
