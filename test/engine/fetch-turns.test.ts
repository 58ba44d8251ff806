import assert from 'node:assert/strict'
import { test } from 'node:test'
import { fromHex, type RootHash } from '../../src/base/brand.ts'
import { FetchTurns } from '../../src/engine/fetch-turns.ts'
import { VirtualClock } from '../net/virtual-clock.ts'

const named = (i: number): RootHash => fromHex(i.toString(16).padStart(64, '0'))
const SHORT = { size: 1_000, rank: 0 }
const IMAGE = { size: 1e9, rank: 0 }

function bench() {
  const clock = new VirtualClock()
  const begun = new Map<RootHash, { size: number; rank: number; missingBytes: number }>()
  const state = { toInstall: 0 }
  const turns = new FetchTurns({
    clock,
    underWay: () => begun.values(),
    toInstall: () => state.toInstall,
    begin: (root, wish) => void begun.set(root, { ...wish, missingBytes: wish.size }),
  })
  return { clock, begun, state, turns }
}

test('short contents do not wait for images, nor images for short ones', () => {
  const { begun, turns } = bench()
  for (let i = 0; i < 30; i++) turns.add(named(i), IMAGE)
  for (let i = 100; i < 500; i++) turns.add(named(i), SHORT)
  turns.next()
  const images = [...begun.values()].filter(({ size }) => size === IMAGE.size)
  assert.deepEqual([images.length, begun.size - images.length, turns.count], [24, 256, 150])
})

test('one that ends makes room for the next of its kind', () => {
  const { begun, turns } = bench()
  for (let i = 0; i < 300; i++) turns.add(named(i), SHORT)
  turns.next()
  turns.ended(IMAGE)
  turns.next()
  assert.equal(begun.size, 256)
  turns.ended(SHORT)
  turns.next()
  assert.equal(begun.size, 257)
})

test('what has come is installed before more short ones are begun', async () => {
  const { clock, begun, state, turns } = bench()
  state.toInstall = 1_000
  turns.add(named(1), SHORT)
  turns.add(named(2), IMAGE)
  turns.next()
  assert.deepEqual([...begun.keys()], [named(2)])
  await clock.pass(1_000)
  assert.equal(begun.size, 1)
  state.toInstall = 999
  await clock.pass(1_000)
  assert.equal(begun.size, 2)
})

test('nothing is begun in a pause, also not what was to be begun a little later, and what is deleted never', async () => {
  const { clock, begun, state, turns } = bench()
  state.toInstall = 1_000
  for (const i of [1, 2]) turns.add(named(i), SHORT)
  turns.next()
  turns.pause()
  state.toInstall = 0
  turns.next()
  await clock.pass(1_000)
  assert.equal(begun.size, 0)
  turns.delete(named(1))
  turns.resume()
  assert.deepEqual([...begun.keys()], [named(2)])
})
