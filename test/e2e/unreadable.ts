/**
 * Files and directories that cannot be looked at: no right to, a disk that fails, names that cannot be synced. What is
 * not seen is not deleted: no other host hears of a deletion, each is shown as a problem, and solved when it is over.
 */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { chmodSync, chownSync, readdirSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Cluster, type Host, LAUNCHER } from './cluster.ts'
import { FailingDisk } from './failing-disk.ts'
import { drop, report, rescan, settled, tree, untilOn } from './pool.ts'
import { tombstones } from './index-file.ts'

export const OBSTACLES = ['closed file', 'closed directory', 'names only', 'bad names', 'failing disk'] as const
export type Obstacle = (typeof OBSTACLES)[number]

const NOBODY = 65534
const DIRECTORIES = 8
const FILES_EACH = 5
const FILE_BYTES = 10_000
const EVERYTHING = 0o755

export interface UnreadableFigures {
  readonly met: number
  /** Of paths that no user deleted, on any host. */
  readonly tombstones: number
  /** Problems that were shown meanwhile. */
  readonly problems: number
}

/** root without the two capabilities that let it read everything; null where there is no such tool. */
export function withoutPower(host: Host): string | null {
  if (process.getuid?.() !== 0) return null
  const launcher = join(host.home, 'isosyncd-without-power')
  const dropping = 'setpriv --bounding-set -dac_override,-dac_read_search'
  writeFileSync(launcher, `#!/bin/sh\nexec ${dropping} ${LAUNCHER} "$@"\n`, { mode: 0o755 })
  return spawnSync('sh', ['-c', `${dropping} true`]).status === 0 ? launcher : null
}

/** Throws where a promise is broken; null without root, setpriv or loop devices. */
export async function meetObstacles({
  obstacles,
}: {
  readonly obstacles: readonly Obstacle[]
}): Promise<UnreadableFigures | null> {
  await using cluster = await Cluster.make({ hosts: 2 })
  const host = cluster.host(0)
  const launcher = withoutPower(host)
  using disk = launcher === null ? null : FailingDisk.under(host, DIRECTORIES)
  if (launcher === null || disk === null) return null
  const start = () => host.start({}, [], launcher)
  try {
    start()
    cluster.host(1).start()
    await cluster.connected()
    for (const dir of disk.directories) fill(host, dir)
    await settled(cluster)
    let problems = 0
    for (const [i, obstacle] of obstacles.entries())
      problems += await meetOne({ cluster, disk, obstacle, round: i, start })
    for (const each of cluster.hosts) await each.kill('SIGTERM')
    return { met: obstacles.length, tombstones: cluster.hosts.flatMap(tombstones).length, problems }
  } finally {
    await host.kill('SIGKILL')
  }
}

function fill(host: Host, dir: string): void {
  for (let i = 0; i < FILES_EACH; i++) drop(host, join(dir, `${i}.iso`), FILE_BYTES)
  for (const path of [dir, ...readdirSync(host.path(dir)).map((name) => join(dir, name))])
    chownSync(host.path(path), NOBODY, NOBODY) // not the daemon's own
}

interface Round {
  readonly cluster: Cluster
  readonly disk: FailingDisk
  readonly obstacle: Obstacle
  readonly round: number
  readonly start: () => void
}

/** Returns how many problems were shown. */
async function meetOne({ cluster, disk, obstacle, round, start }: Round): Promise<number> {
  const [host, other] = cluster.hosts as [Host, Host]
  const before = tree(other)
  // The disk can only be mounted anew while nobody uses it; other obstacles come by turns while the daemon runs.
  const isDown = obstacle === 'failing disk' || round % 2 === 1
  if (isDown) await host.kill('SIGTERM')
  const dir = disk.directories[round % DIRECTORIES] ?? ''
  const undo = put(obstacle, { host, disk, dir })
  if (isDown) start()
  await cluster.connected()
  const seen = await shownProblems(host, obstacle)
  assert.deepEqual(tree(other), before, `nothing is deleted where there is: ${obstacle}`)
  undo()
  await untilOn(host, `${obstacle}: all problems are solved`, async () => {
    await rescan(host)
    // Directories that could not be watched stay so until a restart, and the rescan sees what changes in them.
    return (await report(host))?.problems.every(({ kind }) => kind === 'no-events') === true
  })
  await settled(cluster)
  return seen
}

async function shownProblems(host: Host, obstacle: Obstacle): Promise<number> {
  const before = (await report(host))?.scan.at
  await rescan(host)
  let seen = 0
  await untilOn(host, `what cannot be seen is shown: ${obstacle}`, async () => {
    const folder = await report(host)
    seen = folder?.problems.length ?? 0
    return seen > 0 && folder !== null && folder.scan.at !== before
  })
  return seen
}

/** Puts the obstacle there; the result takes it away. */
function put(obstacle: Obstacle, { host, disk, dir }: { host: Host; disk: FailingDisk; dir: string }): () => void {
  const file = host.path(dir, '0.iso')
  switch (obstacle) {
    case 'closed file': {
      const undo = withMode(file, 0)
      const now = new Date()
      utimesSync(file, now, now) // it must be read again
      return undo
    }
    case 'closed directory':
      return withMode(host.path(dir), 0)
    case 'names only':
      return withMode(host.path(dir), 0o444)
    case 'bad names':
      return badNames(host.path(dir))
    case 'failing disk':
      disk.fail()
      return () => disk.mend()
  }
}

function withMode(path: string, mode: number): () => void {
  chmodSync(path, mode)
  return () => chmodSync(path, EVERYTHING)
}

/** Not UTF-8, reserved, as long as names may be, and one that differs from another by case only. */
function badNames(dir: string): () => void {
  const names = [Buffer.from([0x66, 0xff, 0xfe]), Buffer.from('0.ISO'), Buffer.from('.sync')]
  const paths = names.map((name) => Buffer.concat([Buffer.from(`${dir}/`), name]))
  for (const path of paths) writeFileSync(path, 'x')
  return () => paths.forEach((path) => rmSync(path))
}
