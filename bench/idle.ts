/**
 * What a pool costs when nothing happens: daemons with small files, in sync, and what each holds resident and takes of a
 * core meanwhile, right after the files have come and again after a restart. Prints one JSON line.
 *
 *     bin/node bench/idle.ts [files, default 1000] [hosts, default 3] [seconds, default 30]
 */
import { randomBytes } from 'node:crypto'
import { mkdir, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { Cluster } from '../test/e2e/cluster.ts'
import { cpuSecondsOf, peakMiBOf, residentMiBOf } from './process-figures.ts'

const FILE_BYTES = 20_000
/** Until the last acknowledgement has been written, and what is free was given back, twice (calm-memory.ts). */
const CALM_MS = 45_000

const [files = 1000, hostCount = 3, seconds = 30] = process.argv.slice(2).map(Number)
console.log(JSON.stringify(await measure()))

async function measure(): Promise<object> {
  await using cluster = await Cluster.start({ hosts: hostCount })
  const incoming = join(cluster.top, 'incoming')
  await mkdir(incoming)
  for (let i = 0; i < files; i++) await writeFile(join(incoming, `image-${i}.iso`), randomBytes(FILE_BYTES))
  await rename(incoming, cluster.host(0).path('images'))
  await inSync(cluster)
  const peakMiB = cluster.hosts.map((host) => peakMiBOf(host.pid))
  const afterSync = await idle(cluster)

  for (const host of cluster.hosts) await host.kill('SIGTERM')
  for (const host of cluster.hosts) host.start()
  await cluster.connected()
  await inSync(cluster)
  return { bench: 'idle', files, hosts: hostCount, seconds, peakMiB, afterSync, afterRestart: await idle(cluster) }
}

async function inSync(cluster: Cluster): Promise<void> {
  await cluster.everywhere(`${files} files`, async (host) => {
    const folder = (await host.status())?.folders[0]
    const others = folder?.hosts.filter((h) => !h.self) ?? []
    return folder?.files === files && folder.state === 'synced' && others.every((h) => h.inSync === true)
  })
}

/** Of each host: MiB resident at the end, and percent of one core over the time. */
async function idle(cluster: Cluster): Promise<{ residentMiB: number[]; cpuPercent: number[] }> {
  await sleep(CALM_MS)
  const before = cluster.hosts.map((host) => cpuSecondsOf(host.pid))
  await sleep(seconds * 1000)
  return {
    residentMiB: cluster.hosts.map((host) => residentMiBOf(host.pid)),
    cpuPercent: cluster.hosts.map((host, i) => round(((cpuSecondsOf(host.pid) - (before[i] ?? 0)) * 100) / seconds)),
  }
}

function round(value: number): number {
  return Math.round(value * 100) / 100
}
