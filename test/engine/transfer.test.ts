import assert from 'node:assert/strict'
import { test } from 'node:test'
import { blake3 } from '../../src/base/blake3.ts'
import { type RootHash } from '../../src/base/brand.ts'
import { type OpenStaged } from '../../src/engine/transfer-goal.ts'
import { Transfer, type TransferNeeds } from '../../src/engine/transfer.ts'
import { type StagedFile } from '../../src/fs/root.ts'
import { type PieceList, PieceListBuilder, rootHash } from '../../src/sync/piece-list.ts'

test('a transfer has ended only when its staging file, asked for just before, has been opened and closed', async () => {
  const opening = Promise.withResolvers<OpenStaged>()
  const happened: string[] = []
  const needs = { index: { replica: 'self' } }
  const empty = new PieceListBuilder().build()
  const transfer = transferOf(empty, needs, () => opening.promise)
  const prepared = transfer.prepare().catch(() => void happened.push('prepared'))
  await new Promise(setImmediate)
  const ended = transfer.close('no longer wanted').then(() => void happened.push('ended'))
  await new Promise(setImmediate)
  assert.equal(happened.length, 0)
  const staged = { close: async () => void happened.push('closed') } as unknown as StagedFile
  opening.resolve({ staged, pieces: null })
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
    disk: { freeBytes: () => Promise.resolve(Infinity) },
    index: { findPiece: () => [], placesOf: () => [], replica: 'self' },
    reader: { read: () => Promise.resolve(false) },
    breathe: () => Promise.resolve(),
    makeRoom: async () => false,
    sleep: () => Promise.resolve(),
    comingBytes: () => 0,
    elapsed: () => 0,
  }
  const transfer = transferOf(list, needs, async () => ({ staged: staged as unknown as StagedFile, pieces: null }))
  await transfer.prepare()
  let heard = 0
  const both = [1, 2].map(() => transfer.receive(0, bytes).then((good) => good && heard++))
  await new Promise(setImmediate)
  assert.deepEqual([writes.length, heard], [1, 0])
  writes[0]?.()
  await Promise.all(both)
  assert.equal(heard, 2)
})

const MIB = 1 << 20

test('of what lies in staging only what was ever written is read', async () => {
  const pieces = Array.from({ length: 8 }, (_, i) => Buffer.alloc(MIB / 2, i + 1))
  const reads: number[] = []
  const transfer = staging(pieces, {
    dataFrom: (offset) => (offset <= 3 * MIB ? Math.max(offset, 2 * MIB) : Infinity),
    read: async (into, position) => {
      reads.push(position / MIB)
      into.set(pieces[(2 * position) / MIB]!)
      return into.byteLength
    },
  })
  await transfer.prepare()
  assert.deepEqual(reads, [2, 2.5, 3])
  assert.equal(transfer.doneBytes, 1.5 * MIB)
})

test('a piece whose bits have flipped in staging since it was checked is not served', async () => {
  const content = Buffer.from('content')
  const file = {
    dataFrom: (offset: number) => offset,
    read: async (into: Uint8Array) => {
      into.set(content)
      return into.byteLength
    },
  }
  const transfer = staging([content], file)
  await transfer.prepare()
  const into = Buffer.alloc(content.byteLength)
  assert.equal(await transfer.read(0, 0, into), true)
  content.writeUInt8(content.readUInt8(3) ^ 1, 3)
  assert.equal(await transfer.read(0, 0, into), false)
})

test('who has something in staging waits for its turn to look through it', async () => {
  const turn = Promise.withResolvers<void>()
  const file = { dataFrom: (offset: number) => offset, read: async () => 0 }
  const transfer = staging([Buffer.from('content')], file, (_transfer, check) => turn.promise.then(check))
  const prepared = transfer.prepare()
  await new Promise(setImmediate)
  assert.equal(transfer.state, 'checking')
  turn.resolve()
  await prepared
  assert.equal(transfer.state, 'fetching')
})

/** A transfer of which staging has a file of its whole length. */
function staging(
  pieces: readonly Buffer[],
  file: Pick<StagedFile, 'dataFrom' | 'read'>,
  inTurn: TransferNeeds['inTurn'] = (_transfer, check) => check(),
): Transfer {
  const builder = new PieceListBuilder()
  for (const piece of pieces) builder.add(blake3(piece), piece.byteLength)
  const list = builder.build()
  const size = pieces.reduce((sum, { byteLength }) => sum + byteLength, 0)
  const staged = { ...file, stat: async () => ({ size }), truncate: async () => {} }
  const needs = {
    disk: { freeBytes: async () => Infinity },
    index: { findPiece: () => [], replica: 'self' },
    breathe: async () => {},
    makeRoom: async () => false,
    sleep: async () => {},
    comingBytes: () => 0,
    inTurn,
    elapsed: () => 0,
  }
  return transferOf(list, needs, async () => ({ staged: staged as unknown as StagedFile, pieces: null }))
}

function transferOf(list: PieceList, needs: object, open: () => Promise<OpenStaged>): Transfer {
  const goal = {
    pieceList: async () => list,
    open,
    whole: () => {},
    failed: (_: RootHash, error: unknown) => assert.fail(String(error)),
  }
  return new Transfer({ root: rootHash(list), size: list.size, rank: 0, goal }, needs as TransferNeeds)
}
