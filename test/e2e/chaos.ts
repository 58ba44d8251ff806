/**
 * `npm run chaos [-- ROW [TIMES]]`: what must never happen, tried many times with real daemons. Without ROW all rows.
 * Prints a JSON line for each; exit status 0 if every promise was kept. Some rows need root, and say so.
 */
import assert from 'node:assert/strict'
import { claimToWrite, relay, sendForeignFrames } from '../net/proof-attacks.ts'
import { changeFiles } from './changing.ts'
import { changeByWrongClocks } from './clocks.ts'
import { fillDisks, TROUBLES as DISK_TROUBLES } from './full.ts'
import { doHarmBesidePeace, HARMS } from './hostile-peers.ts'
import { LOSSES, loseIndexes } from './index-losses.ts'
import { killInTransfers } from './kills.ts'
import { swapLinks } from './links.ts'
import { DISASTERS, strike } from './mass.ts'
import { loseRoots } from './mounts.ts'
import { flipBits } from './rot.ts'
import { huntSecrets } from './secret-hunt.ts'
import { receiveOnSlowDisk } from './slow.ts'
import { sendStrangers } from './strangers.ts'
import { changeFromAfar } from './undo.ts'
import { meetObstacles, OBSTACLES } from './unreadable.ts'
import { TROUBLES } from './wrong-mounts.ts'

interface Row {
  readonly times: number
  /** Throws where a promise is broken; null where it cannot be tried here. */
  readonly run: (times: number) => Promise<object | null>
}

const rows: Readonly<Record<string, Row>> = {
  kills: { times: 200, run: kills },
  index: {
    times: 20,
    run: (each) => loseIndexes({ losses: LOSSES.flatMap((loss) => Array.from({ length: each }, () => loss)) }),
  },
  mounts: {
    times: 20,
    run: (each) => loseRoots({ troubles: TROUBLES.flatMap((trouble) => Array.from({ length: each }, () => trouble)) }),
  },
  mass: { times: 1000, run: mass },
  unreadable: {
    times: 20,
    run: (each) => meetObstacles({ obstacles: OBSTACLES.flatMap((one) => Array.from({ length: each }, () => one)) }),
  },
  undo: { times: 1000, run: (changes) => changeFromAfar({ changes }) },
  clocks: { times: 100, run: (changes) => changeByWrongClocks({ changes }) },
  secrets: { times: 20, run: secrets },
  rot: { times: 100, run: (flips) => flipBits({ flips, bytes: 1_000_000 }) },
  changing: {
    times: 200,
    run: (changes) => changeFiles({ changes, hashedBytes: 32 << 20, sentBytes: 3 << 20, kBPerSecond: 5000 }),
  },
  links: { times: 5000, run: (installs) => swapLinks({ installs, received: Math.ceil(installs / 10) }) },
  full: {
    times: 20,
    run: (each) => fillDisks(Array.from({ length: each }, () => DISK_TROUBLES).flat()),
  },
  slow: { times: 300, run: slow },
  strangers: { times: 100_000, run: strangers },
  hostile: { times: 1, run: hostile },
  proofs: { times: 10_000, run: proofs },
}

/** 12 files of 50 to 500 MB. */
async function kills(times: number): Promise<object> {
  const sizes = { files: 12, leastBytes: 50_000_000, mostBytes: 500_000_000 }
  const figures = await killInTransfers({ kills: times, ...sizes, kBPerSecond: 8_000 })
  assert.ok(figures.worstAskedAgainBytes <= 32 << 20 && figures.worstResumeMs <= 10_000, JSON.stringify(figures))
  return figures
}

async function mass(files: number): Promise<object> {
  const disasters = []
  for (const disaster of DISASTERS) disasters.push(await strike({ disaster, files }))
  return { disasters }
}

async function secrets(files: number): Promise<object> {
  const figures = await huntSecrets({ files })
  assert.deepEqual(figures.hits, [])
  return figures
}

async function slow(seconds: number): Promise<object | null> {
  const figures = await receiveOnSlowDisk({ seconds, bytesPerSecond: 20_000_000, warmUpSeconds: 40 })
  if (figures === null) return null
  assert.deepEqual(figures.resets, [])
  assert.ok(figures.peakMiB - figures.warmMiB <= 64, JSON.stringify(figures))
  return figures
}

async function strangers(fuzzed: number): Promise<object> {
  const figures = await sendStrangers({
    seconds: 60,
    connectionsPerSecond: 1000,
    silent: 500,
    fuzzed,
    knownHostsOnly: false,
  })
  assert.ok(figures.worstConnectMs <= 5000 && figures.memoryGrowthMiB <= 64, JSON.stringify(figures))
  return figures
}

async function hostile(times: number): Promise<object> {
  const all = Array.from({ length: times }, () => HARMS).flat()
  // At 4 MB/s: long enough that nobody is passed over only because nothing else is left to ask for.
  const harms = await doHarmBesidePeace(all, { promisedBytes: 48 << 20, otherBytes: 24 << 20 })
  for (const figures of harms) {
    const { wrongBytes, droppedMs, promisedMs, otherMs, peace } = figures
    assert.equal(wrongBytes, 0, JSON.stringify(figures))
    assert.ok((droppedMs ?? Infinity) <= 5000, JSON.stringify(figures))
    const isHeldUp = promisedMs > peace.promisedMs * 1.1 || otherMs > peace.otherMs * 1.1
    assert.ok(!isHeldUp, JSON.stringify(figures))
  }
  const ratio = (a: number, b: number) => Math.round((100 * a) / b) / 100
  const told = harms.map(({ harm, wrongBytes, droppedMs, promisedMs, otherMs, peace }) => {
    const [promisedRatio, otherRatio] = [ratio(promisedMs, peace.promisedMs), ratio(otherMs, peace.otherMs)]
    return { harm, wrongBytes, droppedMs, promisedRatio, otherRatio }
  })
  return { harms: told }
}

/** Most of them are single frames; the rest is shared by who stands between two hosts, and who may only read. */
async function proofs(attempts: number): Promise<object> {
  const tenth = Math.ceil(attempts / 10)
  await sendForeignFrames(attempts - 2 * tenth)
  await relay(tenth)
  await claimToWrite(tenth)
  return { accepted: 0 }
}

const [only, given] = process.argv.slice(2)
const chosen = Object.entries(rows).filter(([name]) => only === undefined || name === only)
if (chosen.length === 0) throw new Error(`there is no row '${only}': one of ${Object.keys(rows).join(', ')}`)
for (const [row, { times, run }] of chosen) {
  const tried = Number(given ?? times)
  const result = await run(tried)
  console.log(
    JSON.stringify({
      chaos: row,
      times: tried,
      ...(result ?? { skipped: 'needs root, loop devices, setpriv, libfaketime or cgroup v1' }),
    }),
  )
}
