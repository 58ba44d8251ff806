/**
 * `npm run chaos [-- ROW [TIMES]]`: what must never happen, tried many times with real daemons. Without ROW all rows.
 * Prints a JSON line for each; exit status 0 if every promise was kept. Some rows need root, and say so.
 */
import assert from 'node:assert/strict'
import { changeFiles } from './changing.ts'
import { changeByWrongClocks } from './clocks.ts'
import { fillDisks, TROUBLES as DISK_TROUBLES } from './full.ts'
import { doHarm, HARMS } from './hostile-peers.ts'
import { LOSSES, loseIndexes } from './index-losses.ts'
import { killInTransfers } from './kills.ts'
import { swapLinks } from './links.ts'
import { DISASTERS, strike } from './mass.ts'
import { loseRoots } from './mounts.ts'
import { flipBits } from './rot.ts'
import { huntSecrets } from './secret-hunt.ts'
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
  kills: {
    times: 100,
    run: async (kills) => ({ killed: await killInTransfers({ kills, bytes: 60 << 20, kBPerSecond: 30_000 }) }),
  },
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
  strangers: { times: 100_000, run: strangers },
  hostile: { times: 1, run: hostile },
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
  const harms = Array.from({ length: times }, () => HARMS).flat()
  const [quiet, ...done] = await doHarm(['none', ...harms])
  assert.ok(quiet)
  for (const figures of done) {
    assert.equal(figures.wrongBytes, 0, JSON.stringify(figures))
    assert.ok((figures.droppedMs ?? 0) <= 5000, JSON.stringify(figures))
    assert.ok(figures.transferMs <= quiet.transferMs * 1.1, JSON.stringify({ ...figures, quietMs: quiet.transferMs }))
  }
  return { quietMs: quiet.transferMs, harms: done.map(({ log: _, ...figures }) => figures) }
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
      ...(result ?? { skipped: 'needs root, loop devices, setpriv or libfaketime' }),
    }),
  )
}
