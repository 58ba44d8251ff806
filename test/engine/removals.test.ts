import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type RelPath } from '../../src/base/brand.ts'
import { type Brake } from '../../src/engine/brake.ts'
import { Removals } from '../../src/engine/removals.ts'
import { type SignedRecord } from '../../src/sync/record.ts'
import { fileEntry, fileRecord } from '../db/index-samples.ts'

const [FIRST, SECOND] = ['first.iso', 'second.iso'] as [string & RelPath, string & RelPath]

const replaced = (path: RelPath) => [fileRecord(path, 'other', 1_800_000_000)]

/** Whatever is to go may go. */
function setup(needs: {
  recordsOf: (path: RelPath) => readonly SignedRecord[]
  carryOut: (dead: readonly RelPath[]) => void
}): Removals {
  return new Removals({
    index: {
      entry: (path) => fileEntry(path, 'old'),
      entriesUnder: () => [],
      isApproved: () => false,
      recordsOf: needs.recordsOf,
    },
    applier: {
      consider: (_live, dead = []) => needs.carryOut(dead),
      liveSettled: () => Promise.resolve(),
      isLiveSettled: true,
    },
    committer: { commit: () => Promise.resolve() },
    brake: { decide: () => 'pass', forget: () => {} } as unknown as Brake,
  })
}

test('what is deleted elsewhere is carried out also if it is heard of when the last deletion has just been handed on', async () => {
  for (let turns = 0; turns < 12; turns++) {
    const carriedOut: RelPath[] = []
    const removals = setup({
      recordsOf: replaced,
      carryOut: (dead) => {
        carriedOut.push(...dead)
        if (dead.includes(FIRST)) after(turns, () => void removals.consider([], [SECOND]))
      },
    })
    await removals.consider([], [FIRST])
    await new Promise(setImmediate)
    assert.deepEqual(carriedOut, [FIRST, SECOND], `${turns} turns later`)
  }
})

test('what cannot be looked at, since the index fails, is left to the next time, and not tried again at once for ever', async () => {
  let [looks, fails] = [0, true]
  const carriedOut: RelPath[] = []
  const removals = setup({
    recordsOf: (path) => {
      if (++looks > 100) return [] // it goes on for ever
      if (fails) throw new Error('disk I/O error')
      return replaced(path)
    },
    carryOut: (dead) => carriedOut.push(...dead),
  })
  await assert.rejects(removals.consider([], [FIRST]), /disk I\/O error/)
  assert.equal(looks, 1)
  fails = false
  await removals.consider([], [SECOND])
  assert.deepEqual(carriedOut, [FIRST, SECOND])
})

function after(turns: number, work: () => void): void {
  if (turns === 0) work()
  else queueMicrotask(() => after(turns - 1, work))
}
