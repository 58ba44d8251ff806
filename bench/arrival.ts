/**
 * From drop to arrival: daemons on this machine, an image of random bytes dropped on the first by rename, and the time
 * until the last one has it under its name. Every copy is then compared by hash. Prints one JSON line.
 *
 *     bin/node bench/arrival.ts [MB, default 1000] [hosts, default 2]
 */
import { createReadStream } from 'node:fs'
import { access, rename } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { createBlake3 } from '../src/base/blake3.ts'
import { Cluster } from '../test/e2e/cluster.ts'
import { writeIsoImage } from '../test/iso-image.ts'
import { loopDelayP99Ms, measured } from './loop-delay.ts'
import { cpuSecondsOf, peakMiBOf } from './process-figures.ts'

const MB = 1e6
const NAME = 'image.iso'
const POLL_MS = 5
const PATIENCE_MS = 600_000

console.log(JSON.stringify(await measure(Number(process.argv[2] ?? 1000), Number(process.argv[3] ?? 2))))

async function measure(megabytes: number, hostCount: number): Promise<object> {
  await using cluster = await Cluster.start({ hosts: hostCount, env: (top) => measured(top) })
  const dropped = join(cluster.top, NAME)
  const bytes = writeIsoImage(dropped, { contentBytes: megabytes * MB })
  const [first, ...receivers] = cluster.hosts
  const wanted = await hashOf(dropped)

  const cpuBefore = cpuSeconds(cluster)
  for (const host of cluster.hosts) host.signal('SIGUSR2')
  const begun = performance.now()
  await rename(dropped, first!.path(NAME))
  await Promise.all(receivers.map((host) => appearance(host.path(NAME))))
  const seconds = (performance.now() - begun) / 1000
  const cpu = cpuSeconds(cluster) - cpuBefore

  for (const host of receivers) if ((await hashOf(host.path(NAME))) !== wanted) throw new Error('a copy differs')
  const pids = cluster.hosts.map((host) => host.pid)
  const peakMiB = pids.map(peakMiBOf)
  for (const host of cluster.hosts) await host.kill('SIGTERM')
  return {
    bench: 'arrival',
    megabytes: Math.round(bytes / MB),
    hosts: hostCount,
    seconds: round(seconds),
    mbPerS: Math.round(bytes / MB / seconds),
    cpuSPerGb: round(cpu / (bytes / 1e9)),
    peakMiB,
    loopDelayP99Ms: pids.map((pid) => loopDelayP99Ms(cluster.top, pid)),
  }
}

async function appearance(path: string): Promise<void> {
  const end = performance.now() + PATIENCE_MS
  while (!(await exists(path))) {
    if (performance.now() > end) throw new Error(`${path} has not come in ${PATIENCE_MS / 1000} s`)
    await sleep(POLL_MS)
  }
}

async function exists(path: string): Promise<boolean> {
  return await access(path).then(
    () => true,
    () => false,
  )
}

async function hashOf(path: string): Promise<string> {
  const hasher = createBlake3()
  for await (const chunk of createReadStream(path, { highWaterMark: 1 << 20 })) hasher.update(chunk as Buffer)
  return hasher.digest().toString('hex')
}

function cpuSeconds(cluster: Cluster): number {
  return cluster.hosts.reduce((sum, host) => sum + cpuSecondsOf(host.pid), 0)
}

function round(value: number): number {
  return Math.round(value * 100) / 100
}
