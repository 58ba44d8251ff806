/**
 * Many small files from drop to arrival: two daemons on this machine, a directory of files of random bytes dropped on
 * the first by rename, and the time until the other has them all under their names. The copies are then compared, and
 * the other one rescans what has not changed. Prints one JSON line.
 *
 *     bin/node bench/many.ts [files, default 10000] [bytes of each, default 1000]
 */
import { randomFillSync } from 'node:crypto'
import { mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { Cluster, type Host } from '../test/e2e/cluster.ts'
import { loopDelayP99Ms, measured } from './loop-delay.ts'
import { cpuSecondsOf, peakMiBOf } from './process-figures.ts'

const PER_DIRECTORY = 100
const POLL_MS = 50
const PATIENCE_MS = 1_800_000

const [files = 10_000, bytes = 1_000] = process.argv.slice(2).map(Number)
console.log(JSON.stringify(await measure()))

async function measure(): Promise<object> {
  await using cluster = await Cluster.start({ hosts: 2, env: (top) => measured(top) })
  const [first, second] = [cluster.host(0), cluster.host(1)]
  const dropped = join(cluster.top, 'dropped')
  makeFiles(dropped)
  const cpuBefore = cluster.hosts.map((host) => cpuSecondsOf(host.pid))
  for (const host of cluster.hosts) host.signal('SIGUSR2')
  const begun = performance.now()
  renameSync(dropped, first.path('dropped'))
  await until(() => filesUnder(second.path('dropped')) === files)
  const seconds = (performance.now() - begun) / 1000
  const cpu = cluster.hosts.map((host, i) => cpuSecondsOf(host.pid) - (cpuBefore[i] ?? 0))
  compare(first, second)
  const rescanSeconds = await rescan(cluster)
  const result = {
    bench: 'many',
    files,
    bytes,
    seconds: round(seconds),
    filesPerS: Math.round(files / seconds),
    mbPerS: round((files * bytes) / 1e6 / seconds),
    cpuMsPerFile: cpu.map((s) => round((s * 1000) / files)),
    rescanSeconds,
    peakMiB: cluster.hosts.map((host) => peakMiBOf(host.pid)),
  }
  const pids = cluster.hosts.map((host) => host.pid)
  for (const host of cluster.hosts) await host.kill('SIGTERM')
  return { ...result, loopDelayP99Ms: pids.map((pid) => loopDelayP99Ms(cluster.top, pid)) }
}

function makeFiles(top: string): void {
  const content = Buffer.alloc(bytes)
  for (let i = 0; i < files; i++) {
    const dir = join(top, `d${Math.floor(i / PER_DIRECTORY)}`)
    if (i % PER_DIRECTORY === 0) mkdirSync(dir, { recursive: true })
    writeFileSync(join(dir, `f${i}`), randomFillSync(content))
  }
}

function filesUnder(top: string): number {
  try {
    return readdirSync(top).reduce((sum, dir) => sum + readdirSync(join(top, dir)).length, 0)
  } catch {
    return 0 // not there yet
  }
}

function compare(first: Host, second: Host): void {
  for (let i = 0; i < files; i++) {
    const name = join('dropped', `d${Math.floor(i / PER_DIRECTORY)}`, `f${i}`)
    if (!readFileSync(first.path(name)).equals(readFileSync(second.path(name)))) throw new Error(`${name} differs`)
  }
}

/** Once all is said and done: seconds that a look at all unchanged files takes. */
async function rescan(cluster: Cluster): Promise<number[]> {
  await until(async () => (await Promise.all(cluster.hosts.map(isSynced))).every(Boolean))
  return await Promise.all(
    cluster.hosts.map(async (host) => {
      const before = (await folderOf(host))?.scan.at ?? 0
      host.signal('SIGHUP')
      await until(async () => ((await folderOf(host))?.scan.at ?? 0) > before)
      return round((await folderOf(host))?.scan.lastS ?? NaN)
    }),
  )
}

async function isSynced(host: Host): Promise<boolean> {
  const folder = await folderOf(host)
  return folder?.files === files && folder.state === 'synced'
}

async function folderOf(host: Host) {
  return (await host.status())?.folders[0]
}

async function until(check: () => boolean | Promise<boolean>): Promise<void> {
  const end = performance.now() + PATIENCE_MS
  while (!(await check())) {
    if (performance.now() > end) throw new Error(`not there after ${PATIENCE_MS / 1000} s`)
    await sleep(POLL_MS)
  }
}

function round(value: number): number {
  return Math.round(value * 100) / 100
}
