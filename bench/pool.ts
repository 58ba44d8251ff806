/**
 * A pool of very many files on one host: how long it takes to be taken up, what the index costs on the disk and the daemon
 * in memory, and how soon it serves again after a restart. Prints one JSON line.
 *
 *     bin/node bench/pool.ts [files, default 100000]      a million take 6 GB below $TMPDIR, and some ten minutes
 */
import { mkdirSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { Cluster, type Host } from '../test/e2e/cluster.ts'
import { cpuSecondsOf, peakMiBOf, residentMiBOf } from './process-figures.ts'

const PER_DIRECTORY = 1_000
const POLL_MS = 200
const PATIENCE_MS = 4 * 3_600_000
/** So much CPU time in so long is a daemon that has nothing to do, and has given back what is free (calm-memory.ts). */
const CALM = { cpuS: 0.2, ms: 6_000 }

const files = Number(process.argv[2] ?? 100_000)
console.log(JSON.stringify(await measure()))

async function measure(): Promise<object> {
  await using cluster = await Cluster.make({ hosts: 1 })
  const host = cluster.host(0)
  makeFiles(host)
  const first = await start(host)
  const cpuMsPerFile = round((cpuSecondsOf(host.pid) * 1000) / files)
  const peakMiB = peakMiBOf(host.pid)
  const residentMiB = await calm(host)
  await host.kill('SIGTERM')
  const indexBytes = statSync(join(host.home, 'state', 'index.db')).size
  const again = await start(host)
  return {
    bench: 'pool',
    files,
    takenUpSeconds: first.synced,
    cpuMsPerFile,
    peakMiB,
    residentMiB,
    indexBytesPerFile: Math.round(indexBytes / files),
    restart: {
      servingSeconds: again.serving,
      syncedSeconds: again.synced,
      peakMiB: peakMiBOf(host.pid),
      residentMiB: await calm(host),
    },
  }
}

function makeFiles(host: Host): void {
  for (let i = 0; i < files; i++) {
    const dir = host.path(`d${Math.floor(i / PER_DIRECTORY)}`)
    if (i % PER_DIRECTORY === 0) mkdirSync(dir, { recursive: true })
    writeFileSync(join(dir, `debian-12.${i}-amd64-netinst.iso`), `the content of image ${i}`)
  }
}

/** Seconds from the start until it answers, and until it has looked at all files. */
async function start(host: Host): Promise<{ serving: number; synced: number }> {
  const begun = performance.now()
  host.start()
  await until(async () => (await host.status()) !== null)
  const serving = performance.now() - begun
  await until(async () => {
    const folder = (await host.status())?.folders[0]
    return folder?.files === files && folder.scan.at !== null && folder.state === 'synced'
  })
  return { serving: round(serving / 1000), synced: round((performance.now() - begun) / 1000) }
}

/** What stays resident when nothing happens any more. */
async function calm(host: Host): Promise<number> {
  for (let times = 0; times < 3; times++) {
    const before = cpuSecondsOf(host.pid)
    await sleep(CALM.ms)
    if (cpuSecondsOf(host.pid) - before > CALM.cpuS) times = -1
  }
  return residentMiBOf(host.pid)
}

async function until(check: () => Promise<boolean>): Promise<void> {
  const end = performance.now() + PATIENCE_MS
  while (!(await check())) {
    if (performance.now() > end) throw new Error(`not there after ${PATIENCE_MS / 3_600_000} hours`)
    await sleep(POLL_MS)
  }
}

function round(value: number): number {
  return Math.round(value * 100) / 100
}
