import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type RelPath } from '../../src/base/brand.ts'
import { type Brake } from '../../src/engine/brake.ts'
import { Removals } from '../../src/engine/removals.ts'
import { fileEntry, fileRecord } from '../db/index-samples.ts'

const [FIRST, SECOND] = ['first.iso', 'second.iso'] as [string & RelPath, string & RelPath]

test('what is deleted elsewhere is carried out also if it is heard of when the last deletion has just been handed on', async () => {
  for (let turns = 0; turns < 12; turns++) {
    const carriedOut: RelPath[] = []
    const removals = new Removals({
      index: {
        entry: (path) => fileEntry(path, 'old'),
        entriesUnder: () => [],
        isApproved: () => false,
        recordsOf: (path) => [fileRecord(path, 'other', 1_800_000_000)],
      },
      applier: {
        consider: (_live, dead = []) => {
          carriedOut.push(...dead)
          if (dead.includes(FIRST)) after(turns, () => void removals.consider([], [SECOND]))
        },
        liveSettled: () => Promise.resolve(),
      },
      committer: { commit: () => Promise.resolve() },
      brake: { decide: () => 'pass', forget: () => {} } as unknown as Brake,
    })
    await removals.consider([], [FIRST])
    await new Promise(setImmediate)
    assert.deepEqual(carriedOut, [FIRST, SECOND], `${turns} turns later`)
  }
})

test('what cannot be looked at, since the index fails, is left to the next time, and not tried again at once for ever', async () => {
  let [looks, fails] = [0, true]
  const carriedOut: RelPath[] = []
  const removals = new Removals({
    index: {
      entry: (path) => fileEntry(path, 'old'),
      entriesUnder: () => [],
      isApproved: () => false,
      recordsOf: (path) => {
        if (++looks > 100) return [] // it goes on for ever
        if (fails) throw new Error('disk I/O error')
        return [fileRecord(path, 'other', 1_800_000_000)]
      },
    },
    applier: { consider: (_live, dead = []) => void carriedOut.push(...dead), liveSettled: () => Promise.resolve() },
    committer: { commit: () => Promise.resolve() },
    brake: { decide: () => 'pass', forget: () => {} } as unknown as Brake,
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
