/** Whole clusters on virtual time: a slice of fixed seeds, and for ever those that have once found something. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { runSeed } from './run-seed.ts'

const FIXED_SEEDS = Array.from({ length: 12 }, (_, i) => 1000 + i)
const onceFailed = JSON.parse(readFileSync(new URL('seeds.json', import.meta.url), 'utf8')) as number[]

for (const seed of new Set([...FIXED_SEEDS, ...onceFailed])) {
  test(`nothing is lost, invented or left different on any host with seed ${seed}`, async () => {
    const outcome = await runSeed({ seed })
    assert.ok(outcome.ok, outcome.ok ? '' : `step ${outcome.step}: ${outcome.what}\n${outcome.trace.join('\n')}`)
  })
}

test('the same seed gives the same trace', async () => {
  const [once, again] = [await runSeed({ seed: 4 }), await runSeed({ seed: 4 })]
  assert.deepEqual(once, again)
})
