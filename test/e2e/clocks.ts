/**
 * Hosts whose clocks are ten years behind and ten years ahead, and change places. Users add, replace, rename and delete,
 * one after the other and two at once: what the last one did stands everywhere, and of two at once the loser is in the
 * archive. The daemons see a false clock (libfaketime); files get the times that such a host would give them.
 */
import assert from 'node:assert/strict'
import { globSync, readdirSync, readFileSync, renameSync, rmSync, utimesSync } from 'node:fs'
import { join } from 'node:path'
import { blake3 } from '../../src/base/blake3.ts'
import { Cluster, type Host, type HostConfig } from './cluster.ts'
import { drop, settled } from './pool.ts'

const [LIBRARY] = globSync('/usr/lib/*/faketime/libfaketimeMT.so.1')
const TEN_YEARS_S = 315_576_000
const FILE_BYTES = 5000
const FILES = 12
/** Changes until the clocks change places; the last of them is one by two hosts at once. */
const CHANGES_A_TURN = 10

export interface ClockFigures {
  readonly changes: number
  /** Of them, by two hosts at once. */
  readonly concurrent: number
  /** Times that clocks jumped by ten or twenty years. */
  readonly jumps: number
}

/** Throws where something is lost; null where there is no libfaketime. */
export async function changeByWrongClocks({ changes }: { readonly changes: number }): Promise<ClockFigures | null> {
  if (LIBRARY === undefined) return null
  // A few deletions in a young pool are most of it: the brake has tests of its own.
  const configure = (config: HostConfig) => Object.assign(config.shared_folders[0] ?? {}, { max_delete_percent: 100 })
  await using cluster = await Cluster.make({ hosts: 3, configure })
  await using pool = new SkewedPool(cluster, LIBRARY)
  await pool.begin()
  for (let done = 0; done < changes; done++) {
    if (done > 0 && done % CHANGES_A_TURN === 0) await pool.turnClocks()
    if (done % CHANGES_A_TURN === CHANGES_A_TURN - 1) await pool.changeAtOnce()
    else await pool.change(done)
  }
  return pool.figures
}

class SkewedPool implements AsyncDisposable {
  readonly #cluster: Cluster
  readonly #library: string
  /** What users left: the hash of each path. */
  readonly #left = new Map<string, string>()
  #made = 0
  #turns = 0
  #concurrent = 0

  constructor(cluster: Cluster, library: string) {
    this.#cluster = cluster
    this.#library = library
  }

  get figures(): ClockFigures {
    return { changes: this.#made, concurrent: this.#concurrent, jumps: this.#turns * 3 }
  }

  async begin(): Promise<void> {
    for (let i = 0; i < FILES; i++) this.#write(this.#cluster.host(i % 3), `first-${i}.iso`)
    await this.#startAll()
    await this.#assertAsLeft()
  }

  async turnClocks(): Promise<void> {
    await this.#stopAll()
    this.#turns++
    await this.#startAll()
  }

  /** One user does something on one host. */
  async change(n: number): Promise<void> {
    const host = this.#cluster.host(n % 3)
    const known = [...this.#left.keys()]
    const path = known[n % Math.max(known.length, 1)]
    if (path === undefined || n % 4 === 0) this.#write(host, `added-${n}.iso`)
    else if (n % 4 === 1) this.#write(host, path)
    else if (n % 4 === 2) this.#rename(host, path, `renamed-${n}.iso`)
    else this.#delete(host, path)
    this.#made++
    await this.#assertAsLeft()
  }

  /** Two users give one file another content, each on a host that hears nothing of the other. */
  async changeAtOnce(): Promise<void> {
    const hosts = this.#cluster.hosts.slice(0, 2)
    const path = `at-once-${this.#turns}.iso`
    this.#write(this.#cluster.host(2), path)
    await this.#assertAsLeft()
    await this.#stopAll()
    const contents = hosts.map((host) => this.#write(host, path))
    await this.#startAll()
    const winner = hashIn(await settled(this.#cluster), path)
    assert.ok(contents.includes(winner), `${path} is what one of both wrote`)
    this.#left.set(path, winner)
    for (const [i, host] of hosts.entries())
      if (contents[i] !== winner) assert.ok(archivedHashes(host).includes(contents[i] ?? ''), `${path} is not lost`)
    this.#made++
    this.#concurrent++
    await this.#assertAsLeft()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#stopAll()
  }

  #write(host: Host, path: string): string {
    const hash = hashOf(drop(host, path, FILE_BYTES))
    const atS = Date.now() / 1000 + this.#skewS(host)
    utimesSync(host.path(path), atS, atS)
    this.#left.set(path, hash)
    return hash
  }

  #rename(host: Host, from: string, to: string): void {
    renameSync(host.path(from), host.path(to))
    this.#left.set(to, this.#left.get(from) ?? '')
    this.#left.delete(from)
  }

  #delete(host: Host, path: string): void {
    rmSync(host.path(path))
    this.#left.delete(path)
  }

  async #assertAsLeft(): Promise<void> {
    const pool = await settled(this.#cluster)
    const expected = [...this.#left].map(([path, hash]) => `${path} ${hash}`).sort()
    assert.deepEqual(pool.map((line) => `${line.split(' ')[0]} ${line.split(' ').at(-1)}`).sort(), expected)
  }

  /** One host is behind, one right, one ahead; each turn another. */
  #skewS(host: Host): number {
    return (((this.#cluster.hosts.indexOf(host) + this.#turns) % 3) - 1) * TEN_YEARS_S
  }

  async #startAll(): Promise<void> {
    for (const host of this.#cluster.hosts) {
      const skew = this.#skewS(host)
      host.start({
        LD_PRELOAD: this.#library,
        FAKETIME: `${skew < 0 ? '' : '+'}${skew}`,
        FAKETIME_DONT_FAKE_MONOTONIC: '1',
        NO_FAKE_STAT: '1',
      })
    }
    await this.#cluster.connected()
  }

  /** libfaketime leaves its shared memory behind. */
  async #stopAll(): Promise<void> {
    for (const host of this.#cluster.hosts) {
      await host.kill('SIGTERM')
      for (const name of [`faketime_shm_${host.pid}`, `sem.faketime_sem_${host.pid}`])
        rmSync(join('/dev/shm', name), { force: true })
    }
  }
}

function hashIn(pool: readonly string[], path: string): string {
  return (
    pool
      .find((line) => line.startsWith(`${path} `))
      ?.split(' ')
      .at(-1) ?? ''
  )
}

function archivedHashes(host: Host): readonly string[] {
  const dir = host.path('.sync/Archive')
  return readdirSync(dir).map((name) => hashOf(readFileSync(join(dir, name))))
}

function hashOf(content: Buffer): string {
  return blake3(content).toString('hex')
}
