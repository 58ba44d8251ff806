/**
 * A host whose disks run full, or read-only, at any moment while it receives, replaces, archives and announces: the
 * disk of its pool (staging, install, archive), of its storage_path (the index) and of its log are three small
 * filesystems. It must stay up, never show a wrong byte, and go on by itself when there is room.
 */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { randomBytes, randomInt } from 'node:crypto'
import { mkdirSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { blake3 } from '../../src/base/blake3.ts'
import { Cluster, type Host, type HostConfig } from './cluster.ts'
import { LoopDisk } from './loop-disk.ts'
import { report, settled, shown, untilOn } from './pool.ts'
import { contentOf } from './verified-files.ts'

const MIB = 1 << 20
/** Not the 60 s of a patient test: what is promised. */
const RESUME_MS = 60_000

export const TROUBLES = ['pool full', 'storage full', 'log full', 'pool read-only'] as const
export type Trouble = (typeof TROUBLES)[number]

export interface FullFigures {
  readonly troubles: number
  /** From room being made to all hosts being in step, at worst. */
  readonly worstResumeMs: number
  readonly corrupt: number
  readonly exits: number
}

/** Puts the host through these troubles, one after the other. Null where small filesystems cannot be mounted. */
export async function fillDisks(troubles: readonly Trouble[]): Promise<FullFigures | null> {
  await using cluster = await Cluster.make({ hosts: 2, configure })
  const host = cluster.host(1)
  using disks = SmallDisks.under(host)
  if (disks === null) return null
  try {
    cluster.host(0).start()
    host.start({}, ['--log', join(disks.log.dir, 'log')])
    await cluster.connected()
    const round = new Round(cluster, disks)
    let worstResumeMs = 0
    for (const trouble of troubles) worstResumeMs = Math.max(worstResumeMs, await round.run(trouble))
    return { troubles: troubles.length, worstResumeMs, corrupt: 0, exits: 0 }
  } finally {
    await host.kill('SIGKILL')
  }
}

function configure(config: HostConfig): void {
  Object.assign(config.shared_folders[0] ?? {}, { max_delete_files: 1e6, min_free_space: 1 })
}

class SmallDisks implements Disposable {
  readonly pool: LoopDisk
  readonly storage: LoopDisk
  readonly log: LoopDisk
  #covered = false

  private constructor(pool: LoopDisk, storage: LoopDisk, log: LoopDisk) {
    this.pool = pool
    this.storage = storage
    this.log = log
  }

  static under(host: Host): SmallDisks | null {
    const pool = LoopDisk.at(host.dir, 64 * MIB)
    const storage = LoopDisk.at(join(host.home, 'state'), 24 * MIB)
    const log = LoopDisk.at(join(host.home, 'logs'), 8 * MIB)
    if (pool !== null && storage !== null && log !== null) return new SmallDisks(pool, storage, log)
    for (const disk of [pool, storage, log]) disk?.[Symbol.dispose]()
    return null
  }

  begin(trouble: Trouble): void {
    if (trouble === 'pool full') this.pool.fill('.sync/filler')
    if (trouble === 'storage full') this.storage.fill('filler')
    if (trouble === 'log full') this.log.fill('filler')
    if (trouble === 'pool read-only') this.#cover()
  }

  end(): void {
    this.pool.empty('.sync/filler')
    this.storage.empty('filler')
    this.log.empty('filler')
    if (this.#covered) assert.equal(spawnSync('umount', [this.pool.dir]).status, 0)
    this.#covered = false
  }

  /** The same filesystem, read-only, on top: what is opened from now on can only be read. */
  #cover(): void {
    const { dir } = this.pool
    const aside = `${dir}.read-only` // made read-only where nobody writes yet
    mkdirSync(aside, { recursive: true })
    const steps = [
      ['--bind', dir, aside],
      ['-o', 'remount,ro,bind', aside],
      ['--bind', aside, dir],
    ]
    for (const words of steps) assert.equal(spawnSync('mount', words).status, 0, words.join(' '))
    this.#covered = true
    assert.equal(spawnSync('umount', [aside]).status, 0)
  }

  [Symbol.dispose](): void {
    this.end()
    for (const disk of [this.pool, this.storage, this.log]) disk[Symbol.dispose]()
  }
}

/** One trouble after the other, each in the midst of changes on both hosts. */
class Round {
  readonly #cluster: Cluster
  readonly #source: Host
  readonly #host: Host
  readonly #disks: SmallDisks
  readonly #pid: number
  /** Every content that was ever written, on either host. */
  readonly #written = new Set<string>()
  #number = 0

  constructor(cluster: Cluster, disks: SmallDisks) {
    this.#cluster = cluster
    this.#source = cluster.host(0)
    this.#host = cluster.host(1)
    this.#disks = disks
    this.#pid = this.#host.pid
  }

  /** Milliseconds from the end of the trouble until all is in step. */
  async run(trouble: Trouble): Promise<number> {
    this.#number++
    this.#change()
    await sleep(randomInt(600))
    this.#disks.begin(trouble)
    this.#change()
    if (trouble !== 'pool read-only' && trouble !== 'pool full')
      this.#write(this.#host, `own-${this.#number}.iso`, 50_000)
    if (trouble === 'pool full') await shown(this.#host, null, 'disk-full')
    await sleep(randomInt(3000))
    this.#assertSound(trouble)
    this.#disks.end()
    const began = Date.now()
    await settled(this.#cluster)
    const took = Date.now() - began
    assert.ok(took <= RESUME_MS, `${trouble}: in step only after ${took} ms`)
    this.#assertSound(trouble)
    await untilOn(
      this.#host,
      `nothing is amiss after ${trouble}`,
      async () => (await report(this.#host))?.problems.length === 0,
    )
    for (const host of this.#cluster.hosts) assert.equal((await host.cli('archive', 'purge', '--all')).code, 0)
    return took
  }

  /** Something for every write site: large and small, new directories, replaced, deleted and renamed, links. */
  #change(): void {
    const n = this.#number
    const name = `${'long-'.repeat(30)}${n}`
    this.#write(this.#source, `large-${n % 3}.iso`, 3 * MIB)
    for (let i = 0; i < 6; i++) this.#write(this.#source, `${name}/${i}-${name}.iso`, 10_000 + randomInt(50_000))
    this.#write(this.#source, 'replaced.iso', 200_000)
    const link = this.#source.path(`link-${n % 5}`)
    rmSync(link, { force: true })
    symlinkSync(`large-${n % 3}.iso`, link)
    rmSync(this.#source.path(`${'long-'.repeat(30)}${n - 3}`), { recursive: true, force: true })
    rmSync(this.#source.path(`large-${(n + 1) % 3}.iso`), { force: true })
  }

  #write(host: Host, path: string, bytes: number): void {
    const content = randomBytes(bytes)
    this.#written.add(blake3(content).toString('hex'))
    mkdirSync(dirname(host.path(path)), { recursive: true })
    writeFileSync(host.path(path), content)
  }

  /** It is the same process, and all that it shows was written as a whole somewhere. */
  #assertSound(trouble: Trouble): void {
    assert.ok(this.#host.isRunning && this.#host.pid === this.#pid, `${trouble}: the daemon has ended`)
    for (const entry of readdirSync(this.#host.dir, { recursive: true, withFileTypes: true })) {
      const full = join(entry.parentPath, entry.name)
      const isOurs = full.startsWith(this.#host.path('.sync')) && !full.startsWith(this.#host.path('.sync/Archive'))
      if (!entry.isFile() || isOurs) continue
      const content = contentOf(full)
      if (content === null) continue // it has gone since the directory was read
      assert.ok(this.#written.has(blake3(content).toString('hex')), `${trouble}: ${full} is nobody's`)
    }
  }
}
