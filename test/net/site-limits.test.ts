import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type RateLimit } from '../../src/net/rate-limit.ts'
import { SiteLimits } from '../../src/net/site-limits.ts'
import { type TimedLimit } from '../../src/sync/timed-limit.ts'
import { VirtualClock } from './virtual-clock.ts'

const own = { uploadBytesPerSecond: 1_000_000, downloadBytesPerSecond: null, limitLocalPeers: false }
const share: TimedLimit = {
  sites: ['north', 'south'],
  minutes: null,
  upload: { kind: 'share', share: 0.2 },
  download: null,
}

/** Bytes that pass in ten seconds where there is always more to send. */
async function passes(limit: RateLimit | null, clock: VirtualClock): Promise<number> {
  if (limit === null || !limit.limited) return Infinity
  let bytes = 0
  let open = true
  const more = () => {
    if (!open) return
    const slice = limit.sliceBytes()
    limit.take(slice, () => {
      bytes += slice
      more()
    })
  }
  more()
  await clock.pass(10_000)
  open = false
  return bytes
}

function about(bytes: number, wanted: number): void {
  assert.ok(Math.abs(bytes - wanted) <= wanted * 0.05, `${bytes} bytes, where ${wanted} should pass`)
}

test('a pair of sites has its share, others the whole, its own site no limit', async () => {
  const clock = new VirtualClock()
  const limits = new SiteLimits({ ...own, site: 'north', timed: [share] }, { clock })
  about(await passes(limits.of('out', 'south'), clock), 2_000_000)
  about(await passes(limits.of('out', 'east'), clock), 10_000_000)
  about(await passes(limits.of('out', null), clock), 10_000_000)
  assert.equal(limits.of('out', 'north'), null)
  assert.equal(await passes(limits.of('in', 'south'), clock), Infinity, 'nothing was said of downloads')
})

test('peers of one pair of sites share its bucket', () => {
  const clock = new VirtualClock()
  const limits = new SiteLimits({ ...own, site: 'north', timed: [share] }, { clock })
  assert.equal(limits.of('out', 'south'), limits.of('out', 'south'))
  assert.notEqual(limits.of('out', 'south'), limits.of('out', 'east'))
})

test('another limit holds when its time of day has come, by itself', async () => {
  const clock = new VirtualClock()
  const minute = new Date(clock.now()).getHours() * 60 + new Date(clock.now()).getMinutes()
  const soon = { from: (minute + 2) % 1440, to: (minute + 62) % 1440 }
  const free: TimedLimit = { sites: null, minutes: soon, upload: { kind: 'none' }, download: null }
  const limits = new SiteLimits({ ...own, site: null, timed: [free] }, { clock })
  about(await passes(limits.of('out', null), clock), 10_000_000)
  await clock.pass(120_000)
  assert.equal(await passes(limits.of('out', null), clock), Infinity)
  await clock.pass(3_600_000)
  about(await passes(limits.of('out', null), clock), 10_000_000)
})

test('a reload counts at once, for what waits already too', async () => {
  const clock = new VirtualClock()
  const limits = new SiteLimits({ ...own, site: 'north', timed: [share] }, { clock })
  const before = limits.of('out', 'south')
  limits.set({ ...own, uploadBytesPerSecond: 2_000_000, timed: [share] })
  assert.equal(limits.of('out', 'south'), before)
  about(await passes(before, clock), 4_000_000)
  limits.set(own)
  about(await passes(limits.of('out', 'south'), clock), 10_000_000)
})
