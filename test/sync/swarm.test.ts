/** What the piece picker makes of a whole swarm, on simulated links: time over the bound, bytes over the size. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { boundMs, SimulatedSwarm, type SwarmOptions } from './simulated-swarm.ts'

const MB = 1e6
/** 200 Mbit/s. */
const UPLINK = 25 * MB
/** 100 Mbit/s. */
const SITE_UPLINK = 12.5 * MB

interface Case {
  readonly name: string
  readonly options: Partial<SwarmOptions>
  /** Hosts that are slow, and are neither waited for nor counted on. */
  readonly slow?: readonly number[]
  /** Time over the bound, and what the source sent over what it must send to keep to the bound, at most. */
  readonly time: number
  readonly source: number
}

const ramp = { 2: UPLINK / 2, 3: UPLINK / 3, 4: UPLINK / 4, 5: UPLINK / 5 }

const cases: readonly Case[] = [
  { name: 'one receiver', options: { uplinks: [UPLINK, UPLINK] }, time: 1.02, source: 1 },
  { name: 'five receivers', options: {}, time: 1.1, source: 1.03 },
  { name: 'five receivers with large windows', options: { windowBytes: 8 << 20 }, time: 1.1, source: 1.03 },
  { name: 'five receivers, 80 ms away', options: { latencyMs: 40, windowBytes: 4 << 20 }, time: 1.12, source: 1.03 },
  { name: 'five receivers of a small file', options: { bytes: MB }, time: 6, source: 1 },
  {
    name: 'a source with a quarter of the uplink',
    options: { uplinks: uplinks(6, { 0: UPLINK / 4 }) },
    time: 1.05,
    source: 1.03,
  },
  { name: 'fifteen receivers', options: { bytes: 100 * MB, uplinks: uplinks(16, {}) }, time: 1.25, source: 1.2 },
  { name: 'thirty hosts', options: { bytes: 1000 * MB, uplinks: uplinks(30, {}) }, time: 1.1, source: 1.08 },
  {
    name: 'one uplink of a tenth',
    options: { uplinks: uplinks(6, { 5: UPLINK / 10 }) },
    slow: [5],
    time: 1.15,
    source: 1.08,
  },
  {
    name: 'one uplink of a tenth, 80 ms away',
    options: { uplinks: uplinks(6, { 5: UPLINK / 10 }), latencyMs: 40, windowBytes: 4 << 20 },
    slow: [5],
    time: 1.2,
    source: 1.1,
  },
  {
    name: 'sixteen hosts and one uplink of a tenth',
    options: { bytes: 100 * MB, uplinks: uplinks(16, { 7: UPLINK / 10 }) },
    slow: [7],
    time: 1.3,
    source: 1.25,
  },
  {
    name: 'two uplinks of a tenth',
    options: { uplinks: uplinks(6, { 4: UPLINK / 10, 5: UPLINK / 10 }) },
    time: 1.1,
    source: 1.08,
  },
  { name: 'uplinks that are all different', options: { uplinks: uplinks(6, ramp) }, time: 1.12, source: 1.08 },
  {
    name: 'a source with twice the uplink',
    options: { uplinks: uplinks(6, { 0: UPLINK * 2 }) },
    time: 1.1,
    source: 1.08,
  },
  {
    name: 'a source with five times the uplink',
    options: { uplinks: uplinks(6, { 0: UPLINK * 5 }) },
    time: 1.15,
    source: 1.08,
  },
  {
    name: 'sixteen hosts and a source with ten times the uplink',
    options: { bytes: 100 * MB, uplinks: uplinks(16, { 0: UPLINK * 10 }) },
    time: 1.15,
    source: 1.08,
  },
  { name: 'one receiver that is stuck', options: { stuck: { host: 3, atMs: 3000 } }, time: 1.2, source: 1.1 },
]

function uplinks(hosts: number, others: Readonly<Record<number, number>>): number[] {
  return Array.from({ length: hosts }, (_, host) => others[host] ?? UPLINK)
}

for (const { name, options, slow = [], time, source } of cases) {
  test(`In a swarm of ${name}, the source sends little more than once and no link stands idle`, (t) => {
    const all = { bytes: 200 * MB, uplinks: uplinks(6, {}), windowBytes: 2 << 20, latencyMs: 5, ...options }
    const result = new SimulatedSwarm(all).run(120_000)
    const fast = [...all.uplinks.keys()].filter((host) => !slow.includes(host))
    const doneMs = Math.max(...fast.slice(1).map((host) => result.doneMs[host - 1]!))
    const fastUplinks = fast.map((host) => all.uplinks[host]!)
    const over = doneMs / boundMs(all.bytes, fastUplinks)
    const needed = Math.max(1, (boundMs(all.bytes, all.uplinks) * all.uplinks[0]!) / (1000 * all.bytes))
    const sent = result.sourceSent / needed
    t.diagnostic(`time over bound ${over.toFixed(3)}, source sent ${sent.toFixed(3)} of what it must`)
    assert.ok(over <= time, `took ${over} of the bound`)
    assert.ok(sent <= source, `the source sent ${sent} of what it must`)
  })
}

test('Two far sites of two hosts each get different pieces and trade them', (t) => {
  const bytes = 100 * MB
  const swarm = new SimulatedSwarm({
    bytes,
    uplinks: uplinks(5, {}),
    sites: [0, 1, 1, 2, 2],
    siteUplink: SITE_UPLINK,
    windowBytes: 2 << 20,
    latencyMs: 40,
  })
  const result = swarm.run(120_000)
  const over = result.ms / ((1000 * bytes) / SITE_UPLINK)
  t.diagnostic(`time over bound ${over.toFixed(3)}, site sent ${result.siteSent.toFixed(3)} of the size`)
  assert.ok(over <= 1.15 && result.siteSent <= 1.08, `took ${over} of the bound, sent ${result.siteSent} of the size`)
})
