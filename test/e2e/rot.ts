/**
 * Real rot for tests: bits flip on the disk under a filesystem (ext4 on a loop device), while it is mounted and the
 * daemon runs. Nothing above the disk notices: size, mtime, ctime and inode stay, and the page cache still shows the
 * right bytes.
 */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { closeSync, openSync, readSync, statSync, writeSync } from 'node:fs'
import { randomInt } from 'node:crypto'
import { type ScrubReport } from '../../src/api/api-types.ts'
import { dropFromCache } from '../../src/base/native.ts'
import { Cluster, type Host } from './cluster.ts'
import { BLOCK_BYTES, LoopDisk } from './loop-disk.ts'
import { drop, settled } from './pool.ts'

/** A host whose pool lies on a filesystem in a file of its own. */
export class RottingDisk implements Disposable {
  readonly #host: Host
  readonly #disk: LoopDisk

  private constructor(host: Host, disk: LoopDisk) {
    this.#host = host
    this.#disk = disk
  }

  /** Before the daemon starts. Null where loop devices or mounts are not allowed. */
  static under(host: Host, bytes: number): RottingDisk | null {
    const disk = LoopDisk.at(host.dir, bytes)
    return disk === null ? null : new RottingDisk(host, disk)
  }

  /** Flips one random bit of the file on the disk, at `position` if given. Returns where. */
  flip(path: string, position = randomInt(statSync(this.#host.path(path)).size)): number {
    const at = this.#blockOf(path, Math.floor(position / BLOCK_BYTES)) * BLOCK_BYTES + (position % BLOCK_BYTES)
    const fd = openSync(this.#disk.image, 'r+')
    const byte = Buffer.alloc(1)
    readSync(fd, byte, 0, 1, at)
    byte[0] = (byte[0] ?? 0) ^ (1 << randomInt(8))
    writeSync(fd, byte, 0, 1, at)
    closeSync(fd)
    return position
  }

  /** The page cache forgets the file, as it does in time. */
  forget(path: string): void {
    dropFiles(this.#host, [path])
  }

  /** The block of the disk that holds this block of the file. */
  #blockOf(path: string, block: number): number {
    execFileSync('sync', ['-f', this.#host.path(path)])
    const listing = execFileSync('filefrag', ['-e', '-b4096', this.#host.path(path)], { encoding: 'utf8' })
    for (const [, from, to, physical] of listing.matchAll(/^ *\d+: *(\d+)\.\. *(\d+): *(\d+)\.\./gm))
      if (Number(from) <= block && block <= Number(to)) return Number(physical) + block - Number(from)
    return assert.fail(`block ${block} of ${path} lies nowhere:\n${listing}`)
  }

  [Symbol.dispose](): void {
    this.#disk[Symbol.dispose]()
  }
}

export interface FlipOptions {
  /** Files, and bits: one in each. */
  readonly flips: number
  readonly bytes: number
}

/**
 * Flips bits on the disks of two of three hosts and scrubs. Throws where the pool is not what it was; null where loop
 * devices cannot be had.
 */
export async function flipBits({ flips, bytes }: FlipOptions): Promise<{ found: number; healed: number } | null> {
  await using cluster = await Cluster.make({ hosts: 3 })
  const rotting = cluster.hosts.slice(0, 2)
  const capacity = flips * bytes * 3 + 100_000_000 // the pool, rotten copies, and staging
  const disks = rotting.map((host) => RottingDisk.under(host, capacity))
  try {
    const [one, two] = disks
    if (!one || !two) return null
    for (const host of cluster.hosts) host.start()
    await cluster.connected()
    const names = Array.from({ length: flips }, (_, i) => `image-${i}.iso`)
    for (const [i, name] of names.entries()) drop(cluster.host(i % 3), name, bytes)
    const right = await settled(cluster)
    const announced = () => cluster.hosts.map((host) => host.logText().match(/"announced /g)?.length)
    const before = announced()
    for (const [i, name] of names.entries()) (i % 2 === 0 ? one : two).flip(name)
    const answers = await Promise.all(rotting.map((host) => host.cli('scrub', '--now', '--json')))
    const rot = answers.flatMap(({ stdout }) => (JSON.parse(stdout) as ScrubReport[])[0]?.now?.rot ?? [])
    assert.deepEqual(await settled(cluster), right, 'all hosts have what was right')
    for (const host of rotting) dropFiles(host, names)
    assert.deepEqual(await settled(cluster), right, 'on the disk too')
    assert.deepEqual(announced(), before, 'nothing was announced')
    assert.deepEqual(
      answers.map(({ code }) => code),
      [0, 0],
    )
    return { found: rot.length, healed: rot.filter(({ state }) => state === 'healed').length }
  } finally {
    for (const host of cluster.hosts) await host.kill('SIGKILL')
    for (const disk of disks) disk?.[Symbol.dispose]()
  }
}

/** The page cache forgets these files. */
function dropFiles(host: Host, names: readonly string[]): void {
  for (const name of names) {
    const fd = openSync(host.path(name), 'r')
    assert.ok(dropFromCache(fd, 0, statSync(host.path(name)).size))
    closeSync(fd)
  }
}

/** What a stat says that rot must leave alone. */
export function traceOf(host: Host, path: string): string {
  const { size, mtimeNs, ctimeNs, ino } = statSync(host.path(path), { bigint: true })
  return [size, mtimeNs, ctimeNs, ino].join(' ')
}
