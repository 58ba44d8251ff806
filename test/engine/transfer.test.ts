import assert from 'node:assert/strict'
import { test } from 'node:test'
import { blake3 } from '../../src/base/blake3.ts'
import { Transfer, type TransferNeeds } from '../../src/engine/transfer.ts'
import { PieceListBuilder, rootHash } from '../../src/sync/piece-list.ts'

test('a transfer has ended only when its staging file, asked for just before, has been opened and closed', async () => {
  const opening = Promise.withResolvers<unknown>()
  const happened: string[] = []
  const needs = {
    disk: { openStaged: () => opening.promise },
    index: { replica: 'self' },
    pieceList: () => Promise.resolve(new PieceListBuilder().build()),
  }
  const options = { root: rootHash(new PieceListBuilder().build()), size: 0, rank: 0 }
  const transfer = new Transfer(options, needs as unknown as TransferNeeds)
  const prepared = transfer.prepare().catch(() => void happened.push('prepared'))
  await new Promise(setImmediate)
  const ended = transfer.close('no longer wanted').then(() => void happened.push('ended'))
  await new Promise(setImmediate)
  assert.equal(happened.length, 0)
  opening.resolve({ close: async () => void happened.push('closed') })
  await Promise.all([prepared, ended])
  assert.deepEqual(happened, ['closed', 'prepared', 'ended'])
})

test('a piece that two peers send at the same time is written once, and both are heard when it is there', async () => {
  const bytes = Buffer.from('content')
  const builder = new PieceListBuilder()
  builder.add(blake3(bytes), bytes.byteLength)
  const list = builder.build()
  const writes: (() => void)[] = []
  const staged = {
    stat: () => Promise.resolve({ size: 0 }),
    truncate: () => Promise.resolve(),
    canShare: () => false,
    write: () => new Promise<void>((resolve) => writes.push(resolve)),
  }
  const needs = {
    disk: { openStaged: () => Promise.resolve(staged), freeBytes: () => Promise.resolve(Infinity) },
    index: { findPiece: () => [], placesOf: () => [], replica: 'self' },
    reader: { read: () => Promise.resolve(false) },
    pieceList: () => Promise.resolve(list),
    breathe: () => Promise.resolve(),
    elapsed: () => 0,
  }
  const transfer = new Transfer(
    { root: rootHash(list), size: bytes.byteLength, rank: 0 },
    needs as unknown as TransferNeeds,
  )
  await transfer.prepare()
  let heard = 0
  const both = [1, 2].map(() => transfer.receive(0, bytes).then((good) => good && heard++))
  await new Promise(setImmediate)
  assert.deepEqual([writes.length, heard], [1, 0])
  writes[0]?.()
  await Promise.all(both)
  assert.equal(heard, 2)
})
