/**
 * The main job while daemons are killed: files travel from each of three hosts to the others, and again and again a
 * random host is killed at a random moment. What stands under a final name is never anything but what a user put there
 * as a whole, and a host that was killed goes on soon, with nothing asked again but what was on its way.
 */
import assert from 'node:assert/strict'
import { randomBytes, randomInt } from 'node:crypto'
import { mkdirSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { blake3 } from '../../src/base/blake3.ts'
import { type FolderReport } from '../../src/api/api-types.ts'
import { Cluster, type Host, type HostConfig, until } from './cluster.ts'
import { limitUpload, report, untilOn } from './pool.ts'
import { VerifiedFiles } from './verified-files.ts'

export interface KillsOptions {
  readonly kills: number
  /** Of several sizes from the least to the most bytes; replaced by others when all have arrived. */
  readonly files: number
  readonly leastBytes: number
  readonly mostBytes: number
  /** What each host sends, so that transfers last. */
  readonly kBPerSecond: number
}

export interface KillsFigures {
  /** How often each host was killed, */
  readonly killed: readonly number[]
  /** and of them, while it started. */
  readonly whileStarting: number
  /** Files that arrived meanwhile, on any host. */
  readonly arrived: number
  readonly worstAskedAgainBytes: number
  /** From the start of a killed host to the first piece that it gets, or gives where it lacks none. */
  readonly worstResumeMs: number
}

const HOSTS = 3
/** Promised. */
const MOST_ASKED_AGAIN_BYTES = 32 << 20
const PAUSE_MS = 3_000
/** One kill in so many meets a host that was killed just before, */
const AGAIN = 6
/** so soon after it was started. */
const STARTING_MS = 2_000
const LAST_FILES_MS = 600_000

export async function killInTransfers(options: KillsOptions): Promise<KillsFigures> {
  await using cluster = await Cluster.make({ hosts: HOSTS, configure })
  for (const host of cluster.hosts) await limitUpload(host, options.kBPerSecond)
  for (const host of cluster.hosts) host.start()
  await cluster.connected()
  return await new Campaign(cluster, options).run()
}

/** All files are replaced at once here: the brake has tests of its own. */
function configure(config: HostConfig): void {
  Object.assign(config.shared_folders[0] ?? {}, { max_delete_files: 1e6 })
}

/** What a host that was killed had, and the most that it has had since without having got it from others. */
interface Life {
  readonly beforeBytes: number
  keptBytes: number
}

function askedAgainBytes(life: Life | undefined): number {
  return life === undefined ? 0 : life.beforeBytes - life.keptBytes
}

class Campaign {
  readonly #cluster: Cluster
  readonly #options: KillsOptions
  readonly #verified = new VerifiedFiles()
  /** Of each path: the size of what is there, or on its way. */
  readonly #sizes = new Map<string, number>()
  readonly #lives = new Map<Host, Life>()
  readonly #killed: number[] = Array.from({ length: HOSTS }, () => 0)
  #left: number
  #whileStarting = 0
  #arrived = 0
  #worstAskedAgainBytes = 0
  #worstResumeMs = 0

  constructor(cluster: Cluster, options: KillsOptions) {
    this.#cluster = cluster
    this.#options = options
    this.#left = options.kills
    mkdirSync(join(cluster.top, 'incoming'))
  }

  async run(): Promise<KillsFigures> {
    while (this.#left > 0) {
      this.#drop()
      for (const host of this.#cluster.hosts) await this.#moving(host)
      while (this.#left > 0 && !this.#allHere()) await this.#killOne()
      await this.#arrive()
    }
    return {
      killed: this.#killed,
      whileStarting: this.#whileStarting,
      arrived: this.#arrived,
      worstAskedAgainBytes: this.#worstAskedAgainBytes,
      worstResumeMs: this.#worstResumeMs,
    }
  }

  /** New contents for all paths, by turns on each host; each comes by a rename, so that it is never half a file. */
  #drop(): void {
    const { files, leastBytes, mostBytes } = this.#options
    for (let i = 0; i < files; i++) {
      const path = `image-${i}.iso`
      const content = randomBytes(leastBytes + Math.round(((mostBytes - leastBytes) * i) / Math.max(1, files - 1)))
      this.#verified.written(path, blake3(content).toString('hex'))
      this.#sizes.set(path, content.byteLength)
      const incoming = join(this.#cluster.top, 'incoming', path)
      writeFileSync(incoming, content)
      renameSync(incoming, this.#cluster.host(i % HOSTS).path(path))
    }
  }

  async #killOne(): Promise<void> {
    await sleep(randomInt(PAUSE_MS))
    const host = this.#cluster.host(randomInt(HOSTS))
    for (const each of this.#cluster.hosts) await this.#look(each)
    const folder = await this.#look(host)
    await this.#kill(host)
    this.#settleAccount(host)
    const life = { beforeBytes: this.#doneBytes(host, folder), keptBytes: 0 }
    if (this.#left > 0 && randomInt(AGAIN) === 0) await this.#killWhileStarting(host)
    else this.#lives.set(host, life)
    this.#worstResumeMs = Math.max(this.#worstResumeMs, await this.#resumed(host))
    await untilOn(host, 'it has found what it had', async () => {
      await this.#look(host)
      return askedAgainBytes(this.#lives.get(host)) <= MOST_ASKED_AGAIN_BYTES
    })
  }

  async #killWhileStarting(host: Host): Promise<void> {
    host.start()
    await sleep(randomInt(STARTING_MS))
    this.#whileStarting++
    await this.#kill(host)
  }

  async #kill(host: Host): Promise<void> {
    await host.kill('SIGKILL')
    this.#left--
    const n = this.#cluster.hosts.indexOf(host)
    this.#killed[n] = (this.#killed[n] ?? 0) + 1
    this.#verified.check(this.#cluster.hosts)
  }

  /** Starts the host; milliseconds until something moves again between it and the others. */
  async #resumed(host: Host): Promise<number> {
    host.start()
    const startedMs = performance.now()
    await this.#moving(host)
    const tookMs = Math.round(performance.now() - startedMs)
    this.#verified.check(this.#cluster.hosts)
    return tookMs
  }

  /** Waits until pieces come to this host; or, where it lacks none, until it is there for all others. */
  async #moving(host: Host): Promise<void> {
    await untilOn(host, 'it goes on', async () => {
      const folder = await this.#look(host)
      const isProven = folder?.hosts.every(({ state }) => state === 'self' || state === 'proven') === true
      return isProven && (folder.transfers.some(({ rate }) => rate > 0) || this.#verified.hasAll(host, this.#sizes))
    })
  }

  /** Sees how much of what the host has now it had before it was killed. */
  async #look(host: Host): Promise<FolderReport | null> {
    const folder = await report(host)
    const life = this.#lives.get(host)
    if (folder === null || life === undefined) return folder
    const got = folder.hosts.reduce((sum, { receivedBytes }) => sum + receivedBytes, 0)
    life.keptBytes = Math.max(life.keptBytes, this.#doneBytes(host, folder) - got)
    return folder
  }

  /** What the host has not found again by now, it has had to ask for. */
  #settleAccount(host: Host): void {
    this.#worstAskedAgainBytes = Math.max(this.#worstAskedAgainBytes, askedAgainBytes(this.#lives.get(host)))
    this.#lives.delete(host)
  }

  #doneBytes(host: Host, folder: FolderReport | null): number {
    const under = new Map(folder?.transfers.map(({ path, doneBytes }) => [path, doneBytes]))
    let done = 0
    for (const [path, size] of this.#sizes) done += this.#verified.has(host, path) ? size : (under.get(path) ?? 0)
    return done
  }

  #allHere(): boolean {
    this.#verified.check(this.#cluster.hosts)
    return this.#cluster.hosts.every((host) => this.#verified.hasAll(host, this.#sizes))
  }

  /** The rest comes without a limit; then all are in step, and nobody has anything to complain of. */
  async #arrive(): Promise<void> {
    const { hosts } = this.#cluster
    for (const host of hosts) await limitUpload(host, 0)
    await until('all files are everywhere', () => this.#allHere(), LAST_FILES_MS)
    for (const host of hosts) {
      await until(`${host.home} is in step`, async () => (await this.#look(host))?.state === 'synced')
      assert.deepEqual((await report(host))?.problems, [])
      this.#settleAccount(host)
      assert.equal((await host.cli('archive', 'purge', '--all')).code, 0)
      await limitUpload(host, this.#options.kBPerSecond)
    }
    this.#arrived += this.#sizes.size * (HOSTS - 1)
  }
}
