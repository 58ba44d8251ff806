/**
 * An image on a disk that reads as slowly as the link sends: the time from its drop until another host has it, as a
 * multiple of what the disk takes to read it once. Prints one JSON line. Needs root, loop devices and the blkio
 * controller of cgroup v1.
 *
 *     bin/node bench/slow-disk.ts [MB, default 1000] [MB/s, default 100]
 */
import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { open, rename } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { Cluster, type Host, type HostConfig } from '../test/e2e/cluster.ts'
import { LoopDisk } from '../test/e2e/loop-disk.ts'
import { writeIsoImage } from '../test/iso-image.ts'

const MB = 1e6
const NAME = 'image.iso'
const THROTTLE = '/sys/fs/cgroup/blkio/blkio.throttle.read_bps_device'
/** Journal, directories, and the daemon's first files. */
const SPARE_BYTES = 200 * MB
const POLL_MS = 20
const PATIENCE_MS = 600_000

console.log(JSON.stringify(await measure(Number(process.argv[2] ?? 1000), Number(process.argv[3] ?? 100))))

async function measure(megabytes: number, mbPerS: number): Promise<object> {
  const configure = (config: HostConfig, i: number, cluster: Cluster) => {
    Object.assign(config, { upload_limit: (mbPerS * MB) / 1000, rate_limit_local_peers: true })
    if (i === 0) config.shared_folders[0]!.dir = poolOf(cluster.host(0))
  }
  await using cluster = await Cluster.make({ hosts: 2, configure })
  const [source, receiver] = [cluster.host(0), cluster.host(1)]
  using disk = existsSync(THROTTLE) ? LoopDisk.at(diskOf(source), megabytes * MB + SPARE_BYTES) : null
  if (disk === null) return { bench: 'slow-disk', skipped: 'needs root, loop devices and blkio of cgroup v1' }
  mkdirSync(poolOf(source))
  try {
    for (const host of cluster.hosts) host.start()
    await cluster.connected()
    const bytes = await makeImage(source, megabytes)
    writeFileSync(THROTTLE, `${disk.device()} ${mbPerS * MB}`)
    const seconds = await arrival(source, receiver)
    return {
      bench: 'slow-disk',
      megabytes,
      mbPerS,
      seconds: round(seconds),
      readTimes: round((seconds * mbPerS * MB) / bytes),
    }
  } finally {
    writeFileSync(THROTTLE, `${disk.device()} 0`)
    await source.kill('SIGTERM')
  }
}

function diskOf(host: Host): string {
  return join(host.home, 'disk')
}

function poolOf(host: Host): string {
  return join(diskOf(host), 'pool')
}

/** Beside the pool, and on the disk alone: not in the kernel's cache. */
async function makeImage(host: Host, megabytes: number): Promise<number> {
  const path = join(diskOf(host), NAME)
  const bytes = writeIsoImage(path, { contentBytes: megabytes * MB })
  await using file = await open(path)
  await file.sync()
  writeFileSync('/proc/sys/vm/drop_caches', '3')
  return bytes
}

async function arrival(source: Host, receiver: Host): Promise<number> {
  const began = performance.now()
  await rename(join(diskOf(source), NAME), join(poolOf(source), NAME))
  while (!existsSync(receiver.path(NAME))) {
    if (performance.now() - began > PATIENCE_MS) throw new Error(`it has not come in ${PATIENCE_MS / 1000} s`)
    await sleep(POLL_MS)
  }
  return (performance.now() - began) / 1000
}

function round(value: number): number {
  return Math.round(value * 100) / 100
}
