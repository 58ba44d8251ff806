/**
 * A host whose disk takes 20 MB a second while three others send as fast as they can: it must slow them down by not
 * asking, never by letting a connection break, and hold in memory no more than at the beginning.
 */
import { randomBytes } from 'node:crypto'
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { Cluster, type Host, type HostConfig, until } from './cluster.ts'
import { LoopDisk } from './loop-disk.ts'
import { drop, report, settled } from './pool.ts'

/** blkio of cgroup v1, at its root: holds back what the kernel writes out by itself too. */
const THROTTLE = '/sys/fs/cgroup/blkio/blkio.throttle.write_bps_device'
const MB = 1_000_000
const MIB = 1 << 20
const FILE_BYTES = 50 * MB
/** On their way at any time: each sender always has something that the others have not. */
const AT_A_TIME = 6
const LOOK_MS = 200
/** Of journal and directories, and what is removed late. */
const SPARE_BYTES = 400 * MB
/** What is left at the end takes as long as the disk takes for it. */
const LAST_FILES_MS = 300_000

export interface SlowOptions {
  readonly seconds: number
  readonly bytesPerSecond: number
  /** Goes into memory anyway before it is looked at: buffers that are kept, code that is compiled. */
  readonly warmUpSeconds: number
}

export interface SlowFigures {
  readonly seconds: number
  readonly receivedMB: number
  readonly MBPerSecond: number
  /** What was said of connections that broke. */
  readonly resets: readonly string[]
  readonly warmMiB: number
  readonly peakMiB: number
}

/** Null without root, loop devices or cgroup v1. */
export async function receiveOnSlowDisk(options: SlowOptions): Promise<SlowFigures | null> {
  await using cluster = await Cluster.make({ hosts: 4, configure })
  const slow = cluster.host(0)
  if (!existsSync(THROTTLE)) return null
  using disk = LoopDisk.at(slow.dir, 2 * AT_A_TIME * FILE_BYTES + SPARE_BYTES)
  if (disk === null) return null
  using _ = limited(disk.device(), options.bytesPerSecond)
  try {
    for (const host of cluster.hosts) host.start()
    await cluster.connected()
    return await receive(cluster, slow, options)
  } finally {
    await slow.kill('SIGKILL')
  }
}

/** What has arrived is removed, most of the pool again and again: the brake has tests of its own. */
function configure(config: HostConfig): void {
  const settings = { max_delete_files: 1e6, max_delete_percent: 100, use_sync_trash: false }
  Object.assign(config.shared_folders[0] ?? {}, settings)
}

async function receive(cluster: Cluster, slow: Host, { seconds, warmUpSeconds }: SlowOptions): Promise<SlowFigures> {
  drop(cluster.host(1), 'stays.iso', 1000) // an empty root would be taken for a slip of the hand
  const load = new Load(cluster.hosts.slice(1), slow)
  await load.keepUp(warmUpSeconds)
  const [beganMs, had, warm] = [performance.now(), load.arrivedBytes, residentBytes(slow)]
  const peak = await load.keepUp(seconds)
  const tookS = (performance.now() - beganMs) / 1000
  const received = (load.arrivedBytes - had) / MB
  await load.end()
  await until('all is written out', async () => (await report(slow))?.state === 'synced', LAST_FILES_MS)
  await settled(cluster)
  return {
    seconds: Math.round(tookS),
    receivedMB: Math.round(received),
    MBPerSecond: Math.round((received / tookS) * 10) / 10,
    resets: cluster.hosts.flatMap(losses),
    warmMiB: Math.round(warm / MIB),
    peakMiB: Math.round(Math.max(warm, peak) / MIB),
  }
}

/** Files on all three senders, so that each has something to send all the while. */
class Load {
  readonly #senders: readonly Host[]
  readonly #slow: Host
  #made = 0
  #arrived = 0

  constructor(senders: readonly Host[], slow: Host) {
    this.#senders = senders
    this.#slow = slow
  }

  get arrivedBytes(): number {
    return this.#arrived * FILE_BYTES
  }

  /** Some files are on their way at any time; what has arrived makes room. Returns the most memory that was in use. */
  async keepUp(seconds: number): Promise<number> {
    let peak = 0
    for (const end = performance.now() + seconds * 1000; performance.now() < end; await sleep(LOOK_MS)) {
      this.#removeArrived()
      for (; this.#made - this.#arrived < AT_A_TIME; this.#made++)
        writeFileSync(this.#pathOf(this.#made), randomBytes(FILE_BYTES))
      peak = Math.max(peak, residentBytes(this.#slow))
    }
    return peak
  }

  /** Waits for the last ones. */
  async end(): Promise<void> {
    const isOver = () => (this.#removeArrived(), this.#arrived === this.#made)
    await until('the last files have arrived', isOver, LAST_FILES_MS)
  }

  #removeArrived(): void {
    for (; this.#arrived < this.#made && existsSync(this.#slow.path(nameOf(this.#arrived))); this.#arrived++)
      rmSync(this.#pathOf(this.#arrived))
  }

  /** Where a user put it. */
  #pathOf(n: number): string {
    return this.#senders[n % this.#senders.length]?.path(nameOf(n)) ?? ''
  }
}

function nameOf(n: number): string {
  return `image-${n}.iso`
}

/** Limits what a block device writes, until it is given back. */
function limited(device: string, bytesPerSecond: number): Disposable {
  writeFileSync(THROTTLE, `${device} ${bytesPerSecond}`)
  return { [Symbol.dispose]: () => writeFileSync(THROTTLE, `${device} 0`) }
}

function losses(host: Host): string[] {
  const said = host.log().map(({ msg }) => String(msg))
  return said.filter((msg) => msg.includes(' is gone: '))
}

function residentBytes(host: Host): number {
  const kB = /VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${host.pid}/status`, 'utf8'))?.[1]
  return Number(kB ?? 0) * 1024
}
