/**
 * Several real daemons on this machine, each with its own folder, storage and port on 127.0.0.x, started through
 * bin/isosyncd as an operator would. Used by the end-to-end tests, the demo and the benchmarks.
 */
import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, existsSync, mkdirSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { type StatusReport, type WhereReport } from '../../src/api/api-types.ts'
import { generateSecret } from '../../src/base/secret.ts'

export const LAUNCHER = join(import.meta.dirname, '../../bin/isosyncd')

/** What is said of a host in its sync.json. */
export type HostConfig = Record<string, unknown> & { shared_folders: Record<string, unknown>[] }

export interface ClusterOptions {
  readonly hosts: number
  /** Changes the config of host `i` before it is written. */
  readonly configure?: (config: HostConfig, i: number, cluster: Cluster) => void
  /** Where the temporary folder is made. */
  readonly under?: string
  /** Further environment of all daemons that `start` starts, given that folder. */
  readonly env?: (top: string) => NodeJS.ProcessEnv
}

export interface Answer {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

/** How long a test waits for something before it fails: generous, since machines differ. */
const PATIENCE_MS = 60_000
/** One look takes no longer: beyond that this process, and the daemons with it, stood still (a machine that slept). */
const MOST_AT_ONCE_MS = 5_000

/** Those whose daemons may run: a test that waits in vain tells how their logs end. */
const open = new Set<Cluster>()

export class Cluster implements AsyncDisposable {
  readonly top: string
  readonly secret = generateSecret()
  readonly ports: readonly number[]
  readonly hosts: readonly Host[]

  private constructor(top: string, ports: readonly number[]) {
    this.top = top
    this.ports = ports
    this.hosts = ports.map((_, i) => new Host(join(top, `host${i + 1}`)))
  }

  /** Makes the folders and configs; starts nothing. */
  static async make(options: ClusterOptions): Promise<Cluster> {
    const top = mkdtempSync(join(options.under ?? tmpdir(), 'isosyncd-'))
    const cluster = new Cluster(top, await freePorts(options.hosts))
    open.add(cluster)
    for (const [i, host] of cluster.hosts.entries()) {
      const config = cluster.configOf(i)
      options.configure?.(config, i, cluster)
      mkdirSync(host.dir, { recursive: true })
      writeFileSync(host.configFile, JSON.stringify(config, null, 2), { mode: 0o600 })
    }
    return cluster
  }

  /** Makes and starts all, and waits until each has proven itself to each. */
  static async start(options: ClusterOptions): Promise<Cluster> {
    const cluster = await Cluster.make(options)
    try {
      for (const host of cluster.hosts) host.start(options.env?.(cluster.top))
      await cluster.connected()
      return cluster
    } catch (error) {
      await cluster[Symbol.asyncDispose]()
      throw error
    }
  }

  host(i: number): Host {
    const host = this.hosts[i]
    if (host === undefined) throw new Error(`there is no host ${i}`)
    return host
  }

  knownHosts(): string[] {
    return this.ports.map((port, i) => `127.0.0.${i + 1}:${port}`)
  }

  configOf(i: number): HostConfig {
    const host = this.host(i)
    return {
      device_name: `host${i + 1}`,
      listening_port: this.ports[i],
      storage_path: join(host.home, 'state'),
      pid_file: join(host.home, 'isosyncd.pid'),
      use_upnp: false,
      folder_rescan_interval: 3600,
      shared_folders: [
        {
          secret: this.secret,
          dir: host.dir,
          use_relay_server: false,
          use_tracker: false,
          use_dht: false,
          search_lan: false,
          use_sync_trash: true,
          settle_seconds: 0,
          known_hosts: this.knownHosts(),
        },
      ],
    }
  }

  /** Every running host has proven itself to every other running one. */
  async connected(): Promise<void> {
    const running = this.hosts.filter((host) => host.isRunning)
    for (const host of running)
      await until(`${host.home} is connected`, async () => {
        const hosts = (await host.status())?.folders.flatMap((folder) => folder.hosts) ?? []
        return hosts.filter((h) => h.state === 'proven').length >= running.length - 1
      })
  }

  /** `check` holds on every running host (or those of `hosts`). */
  async everywhere(what: string, check: (host: Host) => boolean | Promise<boolean>, hosts = this.hosts): Promise<void> {
    for (const host of hosts) if (host.isRunning) await until(`${what} on ${host.home}`, () => check(host))
  }

  async [Symbol.asyncDispose](): Promise<void> {
    open.delete(this)
    await Promise.all(this.hosts.map((host) => host.kill('SIGKILL')))
    rmSync(this.top, { recursive: true, force: true })
  }
}

export class Host {
  readonly home: string
  readonly dir: string
  readonly configFile: string
  readonly logFile: string
  #child: ChildProcess | null = null

  constructor(home: string) {
    this.home = home
    this.dir = join(home, 'pool')
    this.configFile = join(home, 'sync.json')
    this.logFile = join(home, 'log')
  }

  get isRunning(): boolean {
    return this.#child !== null && this.#child.exitCode === null && this.#child.signalCode === null
  }

  get pid(): number {
    return this.#child?.pid ?? 0
  }

  path(...names: string[]): string {
    return join(this.dir, ...names)
  }

  /** `words` are further ones on the daemon's command line. */
  start(env: NodeJS.ProcessEnv = {}, words: readonly string[] = [], launcher = LAUNCHER): void {
    const log = openSync(this.logFile, 'a')
    this.#child = spawn(launcher, ['--config', this.configFile, ...words], {
      stdio: ['ignore', log, log],
      env: { ...process.env, ...env },
    })
    closeSync(log)
  }

  /** Sends the signal and waits for the end; the exit status, or null after a signal. */
  async kill(signal: NodeJS.Signals): Promise<number | null> {
    const child = this.#child
    if (child === null || !this.isRunning) return child?.exitCode ?? null
    const ended = once(child, 'exit')
    child.kill(signal)
    await ended
    return child.exitCode
  }

  signal(signal: NodeJS.Signals): void {
    this.#child?.kill(signal)
  }

  /** Resolves when the daemon has ended by itself. */
  async ended(): Promise<number | null> {
    if (this.#child !== null && this.isRunning) await once(this.#child, 'exit')
    return this.#child?.exitCode ?? null
  }

  /** The daemon's log, one object a line. */
  log(): Record<string, unknown>[] {
    const lines = readFileSync(this.logFile, 'utf8').split('\n')
    return lines.filter((line) => line.startsWith('{')).map((line) => JSON.parse(line) as Record<string, unknown>)
  }

  logText(): string {
    return readFileSync(this.logFile, 'utf8')
  }

  /** The last lines of the log: why it failed, for whoever looks at a failed test. */
  logTail(lines = 15): string {
    return existsSync(this.logFile) ? this.logText().trimEnd().split('\n').slice(-lines).join('\n') : '(no log)'
  }

  /** Runs a sub-command with this host's config. */
  cli(...words: string[]): Promise<Answer> {
    return isosyncd([...words, '--config', this.configFile])
  }

  /** Null while the daemon does not answer. */
  async status(): Promise<StatusReport | null> {
    const { code, stdout } = await this.cli('status', '--json')
    return code === 0 ? (JSON.parse(stdout) as StatusReport) : null
  }

  async where(path: string): Promise<WhereReport & { code: number }> {
    const { code, stdout } = await this.cli('where', path, '--json')
    return { ...(JSON.parse(stdout) as WhereReport), code }
  }
}

/** Runs `isosyncd` to its end. */
export function isosyncd(
  words: readonly string[],
  options: { env?: NodeJS.ProcessEnv; cwd?: string; launcher?: string } = {},
): Promise<Answer> {
  return new Promise((resolve) => {
    const env = { ...process.env, ...options.env }
    execFile(
      options.launcher ?? LAUNCHER,
      [...words],
      { env, cwd: options.cwd, maxBuffer: 1 << 26 },
      (error, stdout, stderr) => {
        const code = error === null ? 0 : typeof error.code === 'number' ? error.code : -1
        resolve({ code, stdout, stderr })
      },
    )
  })
}

/** Waits until `check` holds; fails with `what` after a minute. */
export async function until(
  what: string,
  check: () => boolean | Promise<boolean>,
  patienceMs = PATIENCE_MS,
): Promise<void> {
  for (let waitedMs = 0; ;) {
    const fromMs = performance.now()
    if (await check()) return
    if (waitedMs > patienceMs) throw new Error(`waited ${patienceMs / 1000} s in vain: ${what}\n${logTails()}`)
    await sleep(30)
    waitedMs += Math.min(performance.now() - fromMs, MOST_AT_ONCE_MS)
  }
}

function logTails(): string {
  const hosts = [...open].flatMap((cluster) => cluster.hosts)
  return hosts.map((host) => `${host.logFile} ends with:\n${host.logTail(8)}`).join('\n')
}

async function freePorts(count: number): Promise<number[]> {
  const servers = await Promise.all(
    Array.from({ length: count }, async () => {
      const server = createServer().listen(0, '0.0.0.0')
      await once(server, 'listening')
      return server
    }),
  )
  const ports = servers.map((server) => (server.address() as { port: number }).port)
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))))
  return ports
}
