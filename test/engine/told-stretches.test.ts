import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type RelPath, type RootHash } from '../../src/base/brand.ts'
import { ToldStretches, type ToldStretchesNeeds } from '../../src/engine/told-stretches.ts'
import { type FolderMessage, type Peer } from '../../src/net/peer-port.ts'
import { HASH_BYTES, MAX_PIECE_BYTES, type PieceList, PieceListBuilder } from '../../src/sync/piece-list.ts'
import { stretchName } from '../../src/sync/stretch.ts'
import { VirtualClock } from '../net/virtual-clock.ts'

const PATH = 'debian.iso' as RelPath
const FILE_BYTES = 2 ** 40
const LOOKS_MS = 20_000

function pieces(count: number): PieceList {
  const list = new PieceListBuilder()
  for (let i = 0; i < count; i++) list.add(new Uint8Array(HASH_BYTES).fill(i + 1), MAX_PIECE_BYTES)
  return list.build()
}

/** Each piece is a stretch. */
function bench({ mayWrite = true, afterMs = 0 } = {}) {
  const clock = new VirtualClock()
  const [heard, wanted, gone] = [[] as RootHash[], new Set<RootHash>(), [] as RootHash[]]
  const send = (message: FolderMessage) => void (message.type === 'stretch' && heard.push(stretchName(message.stretch)))
  let closed = 0
  const file = { read: async (into: Uint8Array) => into.fill(9).byteLength, close: async () => void closed++ }
  const needs = {
    disk: { open: async () => file },
    index: { recordsOf: () => [] },
    mayWrite: () => mayWrite,
    peers: () => new Set([{ send } as unknown as Peer]),
    isWanted: (name: RootHash) => wanted.has(name),
    gone: (name: RootHash) => void gone.push(name),
    telling: { stretchBytes: MAX_PIECE_BYTES, afterMs },
    clock,
  }
  const stretches = new ToldStretches(needs as unknown as ToldStretchesNeeds)
  return { clock, heard, wanted, gone, stretches, closed: () => closed }
}

test('so many stretches are told as peers take up: the next when one has got one', () => {
  const { heard, stretches } = bench()
  const telling = stretches.begin(PATH, FILE_BYTES)!
  telling.hashed(pieces(100))
  assert.equal(heard.length, 64)
  for (const name of heard.slice(0, 3)) stretches.noLongerWanted(name)
  stretches.noLongerWanted(heard[0]!)
  assert.equal(heard.length, 67)
  telling.finished()
  stretches.noLongerWanted(heard[5]!)
  assert.deepEqual([heard.length, new Set(heard).size], [67, 67])
})

test('what was told is served as long as somebody wants it, and its file is closed then', async () => {
  const { clock, heard, wanted, gone, stretches, closed } = bench()
  using telling = stretches.begin(PATH, FILE_BYTES)!
  telling.hashed(pieces(2))
  wanted.add(heard[1]!)
  telling.finished()
  await clock.pass(LOOKS_MS)
  assert.deepEqual(
    [stretches.growing(heard[0]!)?.have(), stretches.listOf(heard[0]!)?.count, gone],
    [{ all: true }, 1, []],
  )
  wanted.clear()
  await clock.pass(LOOKS_MS)
  assert.deepEqual([stretches.growing(heard[0]!), stretches.listOf(heard[0]!), gone, closed()], [null, null, heard, 0])
})

test('what has another content when it is served is taken back as a whole', async () => {
  const { heard, gone, stretches, closed } = bench()
  stretches.begin(PATH, FILE_BYTES)!.hashed(pieces(2))
  assert.equal(await stretches.growing(heard[0]!)!.read(0, 0, new Uint8Array(MAX_PIECE_BYTES)), false)
  await new Promise(setImmediate)
  assert.deepEqual([gone, stretches.growing(heard[1]!), closed()], [heard, null, 1])
})

test('a file that is hashed soon is not told of, one that takes longer is, with all that was hashed before', async () => {
  const { clock, heard, stretches } = bench({ afterMs: 1_000 })
  const [soon, late] = [stretches.begin(PATH, FILE_BYTES)!, stretches.begin(PATH, FILE_BYTES)!]
  for (const telling of [soon, late]) telling.hashed(pieces(2))
  soon.finished()
  await clock.pass(1_000)
  assert.equal(heard.length, 0)
  late.hashed(pieces(1))
  assert.equal(heard.length, 3)
})

test('what is not finished is taken back', () => {
  const { heard, gone, stretches } = bench()
  {
    using telling = stretches.begin(PATH, FILE_BYTES)!
    telling.hashed(pieces(2))
  }
  assert.deepEqual([heard.length, gone], [2, heard])
})

test('small files, and those of who may only read, are not told of', () => {
  assert.equal(bench().stretches.begin(PATH, 2 * MAX_PIECE_BYTES - 1), null)
  assert.equal(bench({ mayWrite: false }).stretches.begin(PATH, FILE_BYTES), null)
})
