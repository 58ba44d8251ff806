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

function after(turns: number, work: () => void): void {
  if (turns === 0) work()
  else queueMicrotask(() => after(turns - 1, work))
}
