/**
 * What the tests of the data path ask of a host: its own words, by the control socket, and what really lies on its
 * disk. Words and disk are compared; neither is believed alone.
 */
import { lstatSync, readdirSync, readFileSync, readlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { randomBytes } from 'node:crypto'
import { type ArchivedReport, type FolderReport } from '../../src/api/api-types.ts'
import { createControlClient } from '../../src/api/client.ts'
import { blake3 } from '../../src/base/blake3.ts'
import { type Problem, type ProblemKind } from '../../src/sync/problem.ts'
import { type Cluster, type Host, type HostConfig, until } from './cluster.ts'
import { contentOf } from './verified-files.ts'

/** The first folder of the host as `status` shows it; null while the daemon does not answer. */
export async function report(host: Host): Promise<FolderReport | null> {
  const { folders } = await client(host)
    .status()
    .catch(() => ({ folders: [] }))
  return folders[0] ?? null
}

export async function archiveOf(host: Host): Promise<readonly ArchivedReport[]> {
  const listings = await client(host)
    .archiveList()
    .catch(() => [])
  return listings[0]?.files ?? []
}

/** The archived files that once stood at `path`. */
export async function archivedFrom(host: Host, path: string): Promise<readonly ArchivedReport[]> {
  return (await archiveOf(host)).filter((file) => file.path === path)
}

export async function problemOf(host: Host, path: string | null, kind: ProblemKind): Promise<Problem | null> {
  return (await report(host))?.problems.find((problem) => problem.path === path && problem.kind === kind) ?? null
}

/** Waits until the problem is shown, and returns its sentence. */
export async function shown(host: Host, path: string | null, kind: ProblemKind): Promise<string> {
  let problem: Problem | null = null
  await until(`${kind} is shown for ${path} on ${host.home}`, async () => {
    problem = await problemOf(host, path, kind)
    return problem !== null
  })
  return (problem as Problem | null)?.detail ?? ''
}

export async function solved(host: Host, path: string | null, kind: ProblemKind): Promise<void> {
  await until(`${kind} of ${path} has gone on ${host.home}`, async () => (await problemOf(host, path, kind)) === null)
}

/** Bytes that the host sent to others, and got from them, since it started. */
export async function traffic(host: Host): Promise<{ sent: number; received: number }> {
  const hosts = (await report(host))?.hosts ?? []
  return {
    sent: hosts.reduce((sum, peer) => sum + peer.sentBytes, 0),
    received: hosts.reduce((sum, peer) => sum + peer.receivedBytes, 0),
  }
}

/** All that lies in the pool, a line a path, with mtime in microseconds and BLAKE3: equal lines are equal pools. */
export function tree(host: Host): string[] {
  return treeOf(host.dir)
}

export function treeOf(dir: string): string[] {
  const lines: string[] = []
  const walk = (below: string) => {
    for (const name of readdirSync(join(dir, below))) if (below !== '' || name !== '.sync') look(join(below, name))
  }
  const look = (path: string) => {
    const full = join(dir, path)
    const stat = lstatSync(full, { bigint: true, throwIfNoEntry: false })
    if (stat === undefined) return
    if (stat.isSymbolicLink()) return void lines.push(`${path} -> ${readlinkSync(full)}`)
    if (!stat.isDirectory()) {
      const content = contentOf(full)
      if (content === null) return
      return void lines.push(`${path} ${stat.size} ${stat.mtimeNs / 1000n} ${blake3(content).toString('hex')}`)
    }
    lines.push(`${path}/`)
    walk(path)
  }
  walk('')
  return lines.sort()
}

/** Waits until all running hosts say that they are in step, and their pools are equal on disk. Returns the pool. */
export async function settled(cluster: Cluster): Promise<string[]> {
  const running = cluster.hosts.filter((host) => host.isRunning)
  await sameOn(running, async () => (await allInStep(running)) && haveSame(running) && (await allInStep(running)))
  return tree(running[0] as Host)
}

/** Waits until the pools of all `hosts` are equal on disk. */
export async function sameOn(
  hosts: readonly Host[],
  check: () => boolean | Promise<boolean> = () => haveSame(hosts),
): Promise<void> {
  try {
    await until('the hosts have the same', check)
  } catch (error) {
    const found = await Promise.all(hosts.map((host) => standing(host, tree(hosts[0] as Host))))
    throw new Error(`the hosts do not come to the same:\n${found.join('\n')}`, { cause: error })
  }
}

function haveSame(hosts: readonly Host[]): boolean {
  const [expected, ...others] = hosts.map((host) => tree(host).join('\n'))
  return others.every((found) => found === expected)
}

/** For whoever looks at a failed test: how the host differs, what it says of itself, and the end of its log. */
async function standing(host: Host, expected: readonly string[]): Promise<string> {
  const here = tree(host)
  const odd = [
    ...expected.filter((line) => !here.includes(line)).map((line) => `- ${line}`),
    ...here.filter((line) => !expected.includes(line)).map((line) => `+ ${line}`),
  ]
  return [host.home, ...odd.slice(0, 20), await ownWords(host)].join('\n')
}

async function ownWords(host: Host): Promise<string> {
  const folder = await report(host)
  if (folder === null) {
    const why = await client(host).status().catch(String)
    return `${JSON.stringify(why)}, the process is ${host.isRunning ? 'there' : 'gone'}\n${host.logTail(12)}`
  }
  const words = JSON.stringify({
    state: folder.state,
    scan: folder.scan,
    hosts: folder.hosts.map((peer) => [peer.host, peer.state, peer.inSync]),
    transfers: folder.transfers,
    problems: folder.problems,
  })
  return `${words}\n${host.logTail(12)}`
}

/** As `until`, of one host; when it fails, with what the host says of itself. */
export async function untilOn(host: Host, what: string, check: () => boolean | Promise<boolean>): Promise<void> {
  await until(`${what} on ${host.home}`, check).catch(async (error: unknown) => {
    throw new Error(await ownWords(host), { cause: error })
  })
}

async function allInStep(hosts: readonly Host[]): Promise<boolean> {
  for (const host of hosts) {
    const folder = await report(host)
    if (folder?.state !== 'synced' || folder.scan.running) return false
    const peers = folder.hosts.filter((peer) => peer.state === 'proven')
    if (peers.length < hosts.length - 1 || peers.some((peer) => peer.inSync !== true)) return false
  }
  return true
}

/** As `isosyncd rescan`; nothing where the daemon does not answer. */
export async function rescan(host: Host): Promise<void> {
  await client(host)
    .rescan()
    .catch(() => undefined)
}

/** Waits until the host has looked at its whole tree once since its start. */
export async function scanned(host: Host): Promise<void> {
  await until(`${host.home} has scanned`, async () => typeof (await report(host))?.scan.at === 'number')
}

/** Changes the host's config file; counts after SIGHUP or a restart. */
export function reconfigure(host: Host, change: (config: HostConfig) => void): void {
  const config = JSON.parse(readFileSync(host.configFile, 'utf8')) as HostConfig
  change(config)
  writeFileSync(host.configFile, JSON.stringify(config, null, 2))
}

/** Limits what the host sends, in kB/s (0: no limit), without a restart. */
export async function limitUpload(host: Host, kBPerSecond: number): Promise<void> {
  reconfigure(host, (config) => Object.assign(config, { upload_limit: kBPerSecond, rate_limit_local_peers: true }))
  if (!host.isRunning) return
  const reloads = () => host.log().filter((line) => line['msg'] === 'SIGHUP: rescanning all folders').length
  const before = reloads()
  host.signal('SIGHUP')
  await until('the limit has been reloaded', () => reloads() > before)
}

/** How often the host has logged that it announced the path. */
export function announcements(host: Host, path: string): Record<string, unknown>[] {
  return host.log().filter((line) => line['path'] === path && String(line['msg']).startsWith('announced'))
}

/** Paths whose content came from others, each as often as it came. */
export function receivedSince(host: Host, lines: number): string[] {
  const said = host.log().slice(lines)
  return said.filter(({ msg }) => String(msg).startsWith('received ')).map(({ path }) => String(path)).sort() // prettier-ignore
}

/** Writes random bytes, and returns them. */
export function drop(host: Host, path: string, bytes: number): Buffer {
  const content = randomBytes(bytes)
  writeFileSync(host.path(path), content)
  return content
}

/** Changes pools while no host runs: concurrent changes. `earlier` starts, and announces, before the others. */
export async function whileDown(cluster: Cluster, change: () => void, earlier?: Host): Promise<void> {
  await Promise.all(cluster.hosts.map((host) => host.kill('SIGTERM')))
  change()
  earlier?.start()
  if (earlier !== undefined) await until('it has announced', async () => (await report(earlier))?.state === 'synced')
  for (const host of cluster.hosts) if (!host.isRunning) host.start()
  await cluster.connected()
}

function client(host: Host) {
  return createControlClient({ socketPath: join(host.home, 'state', 'control.sock'), advice: '' })
}
