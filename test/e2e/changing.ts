/**
 * Files that change while they are hashed, or while they are sent. Every content that another host ever had under the
 * final name is in its tree or its archive at the end, and must be one that the writer had finished: never the
 * beginning of one and the end of another.
 */
import assert from 'node:assert/strict'
import { randomBytes, randomInt } from 'node:crypto'
import {
  closeSync,
  ftruncateSync,
  futimesSync,
  openSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
  writeSync,
} from 'node:fs'
import { join } from 'node:path'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { blake3 } from '../../src/base/blake3.ts'
import { Cluster, type Host, type HostConfig } from './cluster.ts'
import { archivedFrom, drop, limitUpload, report, settled } from './pool.ts'

export interface ChangingOptions {
  /** While hashed, and as many while sent. */
  readonly changes: number
  /** So large that it takes a moment to hash. */
  readonly hashedBytes: number
  readonly sentBytes: number
  /** What the sender sends, so that it takes a while. */
  readonly kBPerSecond: number
}

export interface ChangingFigures {
  readonly whileHashed: number
  readonly whileSent: number
  /** Finished by the writer; and how many of them the other host had at some time. */
  readonly versions: number
  readonly arrived: number
}

/** Files between two looks at what has arrived: it is then removed, or the disk would fill. */
const AT_A_TIME = 10
const CHUNK_BYTES = 256 * 1024
/** What is not under way by then was over before it was seen. */
const PATIENCE_MS = 2_000

/** Throws where a content arrived that the writer had not finished. */
export async function changeFiles(options: ChangingOptions): Promise<ChangingFigures> {
  await using cluster = await Cluster.start({ hosts: 2, configure: withoutBrake })
  const [source, other] = [cluster.host(0), cluster.host(1)]
  drop(source, 'stays.iso', 1000) // an empty root would be taken for a slip of the hand
  const pair = { cluster, source, other, writer: new Writer(source) }
  const hashed = await changeAll(pair, 'hashed', options.changes, options.hashedBytes, async (path) =>
    isOpenIn(source, path),
  )
  await limitUpload(source, options.kBPerSecond)
  const sent = await changeAll(pair, 'sent', options.changes, options.sentBytes, (path) => isComing(other, path))
  return {
    whileHashed: hashed.changed,
    whileSent: sent.changed,
    versions: pair.writer.versions,
    arrived: hashed.arrived + sent.arrived,
  }
}

interface Pair {
  readonly cluster: Cluster
  readonly source: Host
  readonly other: Host
  readonly writer: Writer
}

/** Changes one new file after the other while it is under way. Counts only what still was when the change had begun. */
async function changeAll(
  pair: Pair,
  name: string,
  changes: number,
  bytes: number,
  isUnderWay: (path: string) => Promise<boolean>,
): Promise<{ changed: number; arrived: number }> {
  let [changed, arrived] = [0, 0]
  for (let file = 0; changed < changes;) {
    for (let i = 0; i < AT_A_TIME && changed < changes; i++) {
      const path = `${name}-${file++}.iso`
      pair.writer.write(path, bytes)
      if (!(await seen(() => isUnderWay(path)))) continue
      const change = pair.writer.begin(path, bytes)
      if (await isUnderWay(path)) changed++
      change.end()
    }
    arrived += await assertFinished(pair)
  }
  return { changed, arrived }
}

/** Looks without a pause, for what lasts a few milliseconds. */
async function seen(check: () => Promise<boolean>): Promise<boolean> {
  for (const end = Date.now() + PATIENCE_MS; Date.now() < end; await nextTurn()) if (await check()) return true
  return false
}

/** When all has arrived: each content that the other host has, or had, was finished. Makes room for the next. */
async function assertFinished({ cluster, source, other, writer }: Pair): Promise<number> {
  await settled(cluster)
  let arrived = 0
  for (const path of writer.paths()) {
    const versions = [path, ...(await archivedFrom(other, path)).map(({ name }) => join('.sync/Archive', name))]
    for (const version of versions) {
      const content = blake3(readFileSync(other.path(version))).toString('hex')
      assert.ok(writer.finished(path).has(content), `${version} is nothing that was ever written to ${path} as a whole`)
    }
    assert.equal(blake3(readFileSync(other.path(path))).toString('hex'), writer.last(path), `the last of ${path} came`)
    arrived += versions.length
  }
  for (const path of writer.paths()) rmSync(source.path(path))
  writer.forget()
  await settled(cluster)
  for (const host of cluster.hosts) assert.equal((await host.cli('archive', 'purge', '--all')).code, 0)
  return arrived
}

/** On the sender: it is hashed, for nothing else opens what no other host has heard of. */
function isOpenIn(host: Host, path: string): boolean {
  const full = host.path(path)
  return readdirSync(`/proc/${host.pid}/fd`).some((fd) => linkTarget(`/proc/${host.pid}/fd/${fd}`) === full)
}

function linkTarget(path: string): string | null {
  try {
    return readlinkSync(path)
  } catch {
    return null // closed meanwhile
  }
}

/** On the receiver: some of it is there, and not all. */
async function isComing(host: Host, path: string): Promise<boolean> {
  const transfers = (await report(host))?.transfers ?? []
  return transfers.some((transfer) => transfer.path === path && transfer.doneBytes > 0)
}

function withoutBrake(config: HostConfig): void {
  Object.assign(config.shared_folders[0] ?? {}, { max_delete_files: 1e6 })
}

/** Writes files on one host, and remembers every content that it finished. */
class Writer {
  readonly #host: Host
  #finished = new Map<string, string[]>()
  versions = 0

  constructor(host: Host) {
    this.#host = host
  }

  paths(): readonly string[] {
    return [...this.#finished.keys()]
  }

  finished(path: string): ReadonlySet<string> {
    return new Set(this.#finished.get(path))
  }

  last(path: string): string | undefined {
    return this.#finished.get(path)?.at(-1)
  }

  forget(): void {
    this.#finished.clear()
  }

  write(path: string, bytes: number): void {
    const content = randomBytes(bytes)
    this.#finishes(path, content)
    writeFileSync(this.#host.path(path), content)
  }

  /** Changes half of the file, in place and in any order, or makes ready what is to replace it; `end` finishes that. */
  begin(path: string, bytes: number): { end(): void } {
    const full = this.#host.path(path)
    const content = randomBytes(bytes - randomInt(2) * randomInt(CHUNK_BYTES))
    this.#finishes(path, content)
    return randomInt(4) === 0 ? replacing(full, content) : overwriting(full, content)
  }

  #finishes(path: string, content: Uint8Array): void {
    this.versions++
    this.#finished.set(path, [...(this.#finished.get(path) ?? []), blake3(content).toString('hex')])
  }
}

function replacing(full: string, content: Uint8Array): { end(): void } {
  writeFileSync(`${full}.part`, content)
  return { end: () => renameSync(`${full}.part`, full) }
}

function overwriting(full: string, content: Uint8Array): { end(): void } {
  const { atime, mtime } = statSync(full)
  const fd = openSync(full, 'r+')
  const chunks = shuffled(Math.ceil(content.byteLength / CHUNK_BYTES))
  const write = (some: readonly number[]) => {
    for (const i of some) {
      const chunk = content.subarray(i * CHUNK_BYTES, (i + 1) * CHUNK_BYTES)
      writeSync(fd, chunk, 0, chunk.byteLength, i * CHUNK_BYTES)
    }
  }
  write(chunks.slice(chunks.length >> 1))
  return {
    end: () => {
      write(chunks.slice(0, chunks.length >> 1))
      ftruncateSync(fd, content.byteLength)
      if (randomInt(2) === 0) futimesSync(fd, atime, mtime) // only the ctime tells
      closeSync(fd)
    },
  }
}

function shuffled(count: number): number[] {
  const order = Array.from({ length: count }, (_, i) => ({ i, key: randomInt(1 << 30) }))
  return order.sort((a, b) => a.key - b.key).map(({ i }) => i)
}
