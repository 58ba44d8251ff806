/**
 * Other hosts delete and replace what a host has, also while its disk is full. Whatever was carried out can be undone:
 * the old content lies in the archive, byte by byte.
 */
import assert from 'node:assert/strict'
import { existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs'
import { blake3 } from '../../src/base/blake3.ts'
import { Cluster, type Host, type HostConfig, until } from './cluster.ts'
import { LoopDisk } from './loop-disk.ts'
import { archiveOf, drop, problemOf, settled } from './pool.ts'

const FILE_BYTES = 20_000
const PER_ROUND = 50
/** What fills the disk; as part of a download it is left alone. */
const FILLER = 'filler.part'

export interface UndoFigures {
  /** Deletions and replacements. */
  readonly changes: number
  /** Of them, while the disk was full. */
  readonly whileFull: number
  /** Of those, carried out all the same: a deletion needs no room. */
  readonly carriedOutWhileFull: number
  /** Contents that lie in the archive in the end, with the hash that they had. */
  readonly archived: number
}

/** Throws where a content is lost; null where loop devices cannot be had. */
export async function changeFromAfar({ changes }: { readonly changes: number }): Promise<UndoFigures | null> {
  // So many deletions are meant here: the brake has tests of its own.
  const configure = (config: HostConfig) =>
    Object.assign(config.shared_folders[0] ?? {}, { max_delete_percent: 100, min_free_space: 1 })
  await using cluster = await Cluster.make({ hosts: 2, configure })
  const host = cluster.host(1)
  using disk = LoopDisk.at(host.dir, 40_000_000 + changes * FILE_BYTES * 2)
  if (disk === null) return null
  try {
    for (const each of cluster.hosts) each.start()
    await cluster.connected()
    const pool = new ChangingPool(cluster, disk)
    for (let done = 0; done < changes; done += PER_ROUND)
      await pool.change(Math.min(PER_ROUND, changes - done), (done / PER_ROUND) % 2 === 1)
    return await pool.figures()
  } finally {
    await host.kill('SIGKILL')
  }
}

/** A content that stood at a path of the host until another host changed that. */
interface Old {
  readonly path: string
  readonly hash: string
}

class ChangingPool {
  readonly #cluster: Cluster
  readonly #source: Host
  readonly #host: Host
  readonly #disk: LoopDisk
  readonly #old: Old[] = []
  #whileFull = 0
  #carriedOutWhileFull = 0
  #round = 0

  constructor(cluster: Cluster, disk: LoopDisk) {
    this.#cluster = cluster
    this.#source = cluster.host(0)
    this.#host = cluster.host(1)
    this.#disk = disk
  }

  async change(count: number, whileFull: boolean): Promise<void> {
    this.#round++
    const old = this.#drop(count)
    await settled(this.#cluster)
    if (whileFull) this.#disk.fill(FILLER)
    for (const [i, { path }] of old.entries())
      if (i % 2 === 0) rmSync(this.#source.path(path))
      else drop(this.#source, path, FILE_BYTES)
    if (whileFull) await this.#assertNothingLost(old)
    this.#disk.empty(FILLER)
    await settled(this.#cluster)
    this.#old.push(...old)
  }

  async figures(): Promise<UndoFigures> {
    const archived = await this.#archived()
    const lost = this.#old.filter((old) => !archived.has(keyOf(old)))
    assert.deepEqual(lost, [], 'all that was deleted or replaced lies in the archive')
    const [whileFull, carriedOutWhileFull] = [this.#whileFull, this.#carriedOutWhileFull]
    return { changes: this.#old.length, whileFull, carriedOutWhileFull, archived: this.#old.length - lost.length }
  }

  /** Every tenth path is one that was changed before: its old contents lie in the archive side by side. */
  #drop(count: number): readonly Old[] {
    mkdirSync(this.#source.path('images'), { recursive: true })
    return Array.from({ length: count }, (_, i) => {
      const path = i % 10 === 0 ? `images/again-${i}.iso` : `images/${this.#round}-${i}.iso`
      return { path, hash: hashOf(drop(this.#source, path, FILE_BYTES)) }
    })
  }

  /** Once the host has said that it can do no more: each content is where it was, or in the archive. */
  async #assertNothingLost(old: readonly Old[]): Promise<void> {
    await until('the full disk is noticed', async () => (await problemOf(this.#host, null, 'disk-full')) !== null)
    const isInPlace = ({ path, hash }: Old) =>
      existsSync(this.#host.path(path)) && hashOf(readFileSync(this.#host.path(path))) === hash
    const gone = old.filter((each) => !isInPlace(each))
    await until('all that is not in its place is in the archive', async () => {
      const archived = await this.#archived()
      return gone.every((each) => archived.has(keyOf(each)))
    })
    this.#whileFull += old.length
    this.#carriedOutWhileFull += gone.length
  }

  /** What the host says that it has archived, and what really lies there. */
  async #archived(): Promise<ReadonlySet<string>> {
    const files = await archiveOf(this.#host)
    return new Set(
      files.map(({ path, name }) =>
        keyOf({ path, hash: hashOf(readFileSync(this.#host.path('.sync/Archive', name))) }),
      ),
    )
  }
}

function keyOf({ path, hash }: Old): string {
  return `${path} ${hash}`
}

function hashOf(content: Buffer): string {
  return blake3(content).toString('hex')
}
