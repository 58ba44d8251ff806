/**
 * Do upload_limit and download_limit hold? One host sends a file to another, once with each limit; what the receiver
 * gets within ten seconds of the middle, over limit × time, is the ratio. Exit status 1 if one is more than 5 % off.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { BYTES_PER_KB } from '../src/config/units.ts'
import { Cluster, until } from '../test/e2e/cluster.ts'
import { drop, traffic } from '../test/e2e/pool.ts'

const LIMIT_KB_PER_S = 4000
const MEASURED_MS = 10_000
/** Enough for the start, the measured time, and some more. */
const FILE_BYTES = LIMIT_KB_PER_S * BYTES_PER_KB * 16
const TOLERANCE = 0.05

type Limit = 'upload_limit' | 'download_limit'

/** Bytes over limit × elapsed time. */
async function measure(limit: Limit): Promise<number> {
  await using cluster = await Cluster.start({
    hosts: 2,
    configure: (config, i) => {
      if ((i === 0) === (limit === 'upload_limit'))
        Object.assign(config, { [limit]: LIMIT_KB_PER_S, rate_limit_local_peers: true })
    },
  })
  const [source, receiver] = [cluster.host(0), cluster.host(1)]
  const counted =
    limit === 'upload_limit' ? async () => (await traffic(source)).sent : async () => (await traffic(receiver)).received
  drop(source, 'large.iso', FILE_BYTES)
  await until('it is under way', async () => (await counted()) > FILE_BYTES / 16)
  const start = { ms: performance.now(), bytes: await counted() }
  await sleep(MEASURED_MS)
  const bytes = (await counted()) - start.bytes
  return bytes / ((LIMIT_KB_PER_S * BYTES_PER_KB * (performance.now() - start.ms)) / 1000)
}

const ratios = { upload: await measure('upload_limit'), download: await measure('download_limit') }
const holds = Object.values(ratios).every((ratio) => Math.abs(ratio - 1) <= TOLERANCE)
console.log(
  JSON.stringify({ bench: 'limits', kBPerSecond: LIMIT_KB_PER_S, seconds: MEASURED_MS / 1000, ...ratios, holds }),
)
if (!holds) process.exitCode = 1
