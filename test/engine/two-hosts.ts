/** Two whole engines of one folder on virtual time, network and disks; a test plays the users and lets the disks fail. */
import { type HostName, type RelPath } from '../../src/base/brand.ts'
import { silentLog } from '../../src/base/log.ts'
import { type FolderKeys, generateSecret, parseSecret } from '../../src/base/secret.ts'
import { type ContentPlace, type FolderIndex } from '../../src/db/index-port.ts'
import { openIndexDatabase } from '../../src/db/open.ts'
import { type FolderSettings } from '../../src/engine/folder-settings.ts'
import { PoolFolder } from '../../src/engine/pool-folder.ts'
import { type MemoryOp, MemoryRoot } from '../../src/fs/memory-root.ts'
import { type FsErrorCode } from '../../src/fs/root.ts'
import { type MemoryLink, MemoryNetwork } from '../../src/net/memory-network.ts'
import { InlineHasher } from '../../src/scan/inline-hasher.ts'
import { createScanner } from '../../src/scan/scanner.ts'
import { HostClock, SimTime } from '../sim/sim-time.ts'
import { treeOf } from '../sim/tree.ts'

/** As better-sqlite3 throws it. */
export class SqliteFailure extends Error {
  readonly code: string
  constructor(code: string) {
    super('database or disk is full')
    this.code = code
  }
}

export class BenchHost {
  readonly root: MemoryRoot
  /** Of all lives. */
  readonly settings: { -readonly [Key in keyof FolderSettings]: FolderSettings[Key] }
  folder: PoolFolder
  readonly index: FolderIndex
  /** Each operation of the disk and its path, in order. */
  readonly asked: (readonly [MemoryOp, string])[] = []
  fails: (op: MemoryOp, path: string) => FsErrorCode | null = () => null
  /** The code with which every transaction of the index fails; null: none does. */
  indexFails: string | null = null
  readonly #begin: () => { folder: PoolFolder; link: MemoryLink }
  #link: MemoryLink

  constructor(name: string, keys: FolderKeys, time: SimTime, network: MemoryNetwork) {
    this.settings = settingsOf(name, keys)
    const clock = new HostClock({ time, wallMs: () => 1.7e12 + time.nowMs })
    let us = 0
    const now = () => (us = Math.max(us + 1, Math.floor(clock.now() * 1000)))
    this.root = new MemoryRoot({}, { now, fail: (op, path) => this.#ask(op, path) })
    const index = openIndexDatabase(':memory:').folder(keys.id)
    this.index = failing(index, () => this.indexFails)
    const disk = this.root
    const needs = {
      disk,
      index: this.index,
      hasher: new InlineHasher(),
      scanner: createScanner({ root: disk, index: this.index, ignored: () => false, clock }),
      openPlace: (place: ContentPlace) =>
        place.in === 'tree' ? disk.open(place.entry.path) : disk.openArchived(place.name),
      hasWriters: () => null,
      indexTakesWrites: async () => this.indexFails === null,
      renewIndex: () => {},
      clock,
      log: silentLog,
    }
    const { replica } = index
    this.#begin = () => {
      const folder = new PoolFolder(this.settings, needs)
      const host = { name: name as HostName, site: null, writer: true, folder: keys.id, replica, handlers: folder }
      const link = network.openFolder(host)
      folder.start()
      return { folder, link }
    }
    const begun = this.#begin()
    this.folder = begun.folder
    this.#link = begun.link
  }

  /** Ends this life of the daemon, when what it is at has ended, and begins the next. */
  async restart(): Promise<void> {
    this.#link.close()
    await this.folder.close()
    const begun = this.#begin()
    this.folder = begun.folder
    this.#link = begun.link
  }

  /** What the watcher would say. */
  hint(...paths: readonly string[]): void {
    for (const path of paths) this.folder.local.noticing.hint(path as RelPath)
  }

  /** All that lies in the tree: content of files, target of links, null for directories. */
  tree(): Record<string, string | null> {
    const entries = [...treeOf(this.root.disk)].map(([path, node]) => {
      if (node.kind === 'file') return [path, Buffer.from(node.bytes).toString()] as const
      return [path, node.kind === 'link' ? `-> ${node.target}` : null] as const
    })
    return Object.fromEntries(entries.sort(([a], [b]) => (a < b ? -1 : 1)))
  }

  /** What lies in the archive, without the times: content by the path that it had. */
  archived(): Record<string, string> {
    const files = this.index
      .archive()
      .map(({ name, path }) => [path, String(this.root.user.read(`.sync/Archive/${name}`))])
    return Object.fromEntries(files.sort()) as Record<string, string>
  }

  problems(): readonly string[] {
    return this.folder.problems.all().map(({ kind, path }) => (path === null ? kind : `${kind} ${path}`))
  }

  #ask(op: MemoryOp, path: string): FsErrorCode | null {
    this.asked.push([op, path])
    return this.fails(op, path)
  }
}

export class TwoHosts {
  readonly time = new SimTime()
  readonly network: MemoryNetwork
  readonly one: BenchHost
  readonly two: BenchHost

  constructor() {
    const keys = parseSecret(generateSecret())
    if (typeof keys === 'string') throw new Error(keys)
    this.network = new MemoryNetwork({ latencyMs: 1 }, { clock: new HostClock({ time: this.time, wallMs: () => 0 }) })
    this.one = new BenchHost('one', keys, this.time, this.network)
    this.two = new BenchHost('two', keys, this.time, this.network)
  }

  pass(ms: number): Promise<void> {
    return this.time.pass(ms)
  }

  async close(): Promise<void> {
    const closed = Promise.all([this.one.folder.close(), this.two.folder.close()])
    await this.pass(10_000)
    await closed
  }
}

function settingsOf(name: string, keys: FolderKeys): FolderSettings {
  return {
    dir: `/${name}`,
    keys,
    site: null,
    useArchive: true,
    overwriteChanges: true,
    settleMs: 0,
    archiveMaxFileBytes: null,
    maxDeleteFiles: 1000,
    maxDeletePercent: 100,
    archiveTtlMs: null,
    rescanIntervalMs: null,
  }
}

/** The index, of which every transaction fails while `code` gives a code. */
function failing(index: FolderIndex, code: () => string | null): FolderIndex {
  return new Proxy(index, {
    get(on, property) {
      const value: unknown = Reflect.get(on, property, on)
      if (typeof value !== 'function') return value
      return (...given: unknown[]): unknown => {
        const why = property === 'commit' || property === 'together' ? code() : null
        if (why !== null) throw new SqliteFailure(why)
        return (value as (...given: unknown[]) => unknown).apply(on, given)
      }
    },
  })
}
