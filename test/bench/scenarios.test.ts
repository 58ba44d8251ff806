import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import {
  lowerBound,
  parseWanted,
  resized,
  type Scenario,
  SCENARIOS,
  timedReceivers,
} from '../../bench/lab/scenarios.ts'

const scenario = (name: string): Scenario => SCENARIOS.find((one) => one.name === name)!
const PROGRAMS = ['isosyncd', 'rsync']

describe('what no distribution can beat', () => {
  const cases: readonly (readonly [what: string, name: string, bytes: number, seconds: number | null])[] = [
    ['one uplink must send all of it once', 'swarm', 200e6, 8],
    ['a slow uplink is not among those that are timed', 'slow-uplink', 200e6, 8],
    ['a site must send all of it once', 'sites', 100e6, 8],
    ['one pair over a long link', 'long-link', 200e6, 1.6],
    ['16 hosts of equal uplinks', 'hosts-16', 100e6, 8],
    ['there is none where nothing is limited', 'pair', 1e9, null],
  ]
  for (const [what, name, bytes, seconds] of cases)
    test(what, () => assert.equal(lowerBound(scenario(name), bytes), seconds))
})

test('the clock waits for every receiver but the slow one', () => {
  assert.deepEqual(timedReceivers(scenario('swarm')), [1, 2, 3, 4, 5])
  assert.deepEqual(timedReceivers(scenario('slow-uplink')), [1, 2, 3, 4])
})

test('without words all scenarios are run once by all programs', () => {
  const wanted = parseWanted({ positionals: [] }, PROGRAMS)
  assert.deepEqual(wanted, { scenarios: SCENARIOS, programs: PROGRAMS, runs: 1 })
})

test('scenarios, programs and runs may be named', () => {
  const wanted = parseWanted({ positionals: ['sites', 'pair'], programs: 'rsync', runs: '3' }, PROGRAMS)
  assert.deepEqual(wanted, { scenarios: [scenario('sites'), scenario('pair')], programs: ['rsync'], runs: 3 })
})

test('what there is not is refused, and what there is is said', () => {
  assert.throws(() => parseWanted({ positionals: ['swarn'] }, PROGRAMS), /no scenario 'swarn': there are swarm, /)
  assert.throws(
    () => parseWanted({ positionals: [], programs: 'rsink' }, PROGRAMS),
    /no program 'rsink'.*isosyncd, rsync/,
  )
  for (const runs of ['0', '-1', '1.5', 'many'])
    assert.throws(() => parseWanted({ positionals: [], runs }, PROGRAMS), /--runs takes a whole number from 1 on/)
})

test('another size is told in the title, and files keep theirs', () => {
  const smaller = resized(scenario('files-1000'), 20)
  assert.deepEqual([smaller.megabytes, smaller.files], [20, 20])
  assert.match(smaller.title, /here 20 MB/)
})
