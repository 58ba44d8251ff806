/**
 * `npm run chaos [-- ROW [TIMES]]`: what must never happen, tried many times with real daemons. Without ROW all rows.
 * Prints a JSON line for each; exit status 0 if every promise was kept. Some rows need root, and say so.
 */
import { LOSSES, loseIndexes } from './index-losses.ts'
import { killInTransfers } from './kills.ts'
import { flipBits } from './rot.ts'

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
  rot: { times: 100, run: (flips) => flipBits({ flips, bytes: 1_000_000 }) },
}

const [only, given] = process.argv.slice(2)
const chosen = Object.entries(rows).filter(([name]) => only === undefined || name === only)
if (chosen.length === 0) throw new Error(`there is no row '${only}': one of ${Object.keys(rows).join(', ')}`)
for (const [row, { times, run }] of chosen) {
  const tried = Number(given ?? times)
  const result = await run(tried)
  console.log(JSON.stringify({ chaos: row, times: tried, ...(result ?? { skipped: 'needs root and loop devices' }) }))
}
