/** Two whole engines of one folder on virtual time, network and disks; a test plays the users and lets the disks fail. */
import { type HostName, type RelPath } from '../../src/base/brand.ts'
import { silentLog } from '../../src/base/log.ts'
import { type FolderKeys, generateSecret, parseSecret, readOnlySecret } from '../../src/base/secret.ts'
import { type FolderIndex } from '../../src/db/index-port.ts'
import { openIndexDatabase } from '../../src/db/open.ts'
import { type FolderSettings } from '../../src/engine/folder-settings.ts'
import { PoolFolder } from '../../src/engine/pool-folder.ts'
import { type TellingOptions } from '../../src/engine/told-stretches.ts'
import { type MemoryOp, MemoryRoot } from '../../src/fs/memory-root.ts'
import { type FsErrorCode } from '../../src/fs/root.ts'
import { type MemoryLink, MemoryNetwork } from '../../src/net/memory-network.ts'
import { type Hasher } from '../../src/scan/hasher.ts'
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

interface Life {
  readonly index: FolderIndex
  readonly folder: PoolFolder
  readonly link: MemoryLink
}

/** What is not as it is in most tests. */
export interface BenchOptions {
  readonly hasher?: Pick<Hasher, 'hash'>
  readonly telling?: TellingOptions
}

export class BenchHost {
  readonly root: MemoryRoot
  /** Of all lives. */
  readonly settings: { -readonly [Key in keyof FolderSettings]: FolderSettings[Key] }
  /** Each operation of the disk and its path, in order. */
  readonly asked: (readonly [MemoryOp, string])[] = []
  fails: (op: MemoryOp, path: string) => FsErrorCode | null = () => null
  /** The code with which every transaction of the index fails; null: none does. */
  indexFails: string | null = null
  readonly #options: BenchOptions
  readonly #keys: FolderKeys
  readonly #clock: HostClock
  readonly #network: MemoryNetwork
  #life: Life

  constructor(name: string, keys: FolderKeys, time: SimTime, network: MemoryNetwork, options: BenchOptions = {}) {
    this.#options = options
    this.settings = settingsOf(name, keys)
    this.#keys = keys
    this.#network = network
    this.#clock = new HostClock({ time, wallMs: () => 1.7e12 + time.nowMs })
    let us = 0
    const now = () => (us = Math.max(us + 1, Math.floor(this.#clock.now() * 1000)))
    this.root = new MemoryRoot({}, { now, fail: (op, path) => this.#ask(op, path) })
    this.#life = this.#begin(this.#newIndex())
  }

  get folder(): PoolFolder {
    return this.#life.folder
  }

  get index(): FolderIndex {
    return this.#life.index
  }

  /** Ends this life of the daemon, when what it is at has ended, and begins the next. */
  async restart(): Promise<void> {
    await this.#end()
    this.#life = this.#begin(this.index)
  }

  async loseIndex(): Promise<void> {
    await this.#end()
    this.#life = this.#begin(this.#newIndex())
  }

  async #end(): Promise<void> {
    this.#life.link.close()
    await this.#life.folder.close()
  }

  #newIndex(): FolderIndex {
    return failing(openIndexDatabase(':memory:').folder(this.#keys.id), () => this.indexFails)
  }

  #begin(index: FolderIndex): Life {
    const { root: disk, settings } = this
    const clock = this.#clock
    const folder = new PoolFolder(settings, {
      disk,
      index,
      hasher: new InlineHasher(),
      ...this.#options,
      scanner: createScanner({ root: disk, index, ignored: () => false, clock }),
      openPlace: (place) => (place.in === 'tree' ? disk.open(place.entry.path) : disk.openArchived(place.name)),
      hasWriters: () => null,
      indexTakesWrites: async () => this.indexFails === null,
      renewIndex: () => {},
      clock,
      log: silentLog,
    })
    const host = {
      name: settings.dir.slice(1) as HostName,
      site: null,
      writer: this.#keys.sign !== null,
      folder: this.#keys.id,
    }
    const link = this.#network.openFolder({ ...host, replica: index.replica, handlers: folder })
    folder.start()
    return { index, folder, link }
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

export interface TwoHostsOptions {
  readonly twoIsReadOnly?: boolean
  readonly one?: BenchOptions
  /** One way. */
  readonly latencyMs?: number
}

export class TwoHosts {
  readonly time = new SimTime()
  readonly network: MemoryNetwork
  readonly one: BenchHost
  readonly two: BenchHost

  constructor(options: TwoHostsOptions = {}) {
    const secret = generateSecret()
    const keys = keysOf(secret)
    this.network = new MemoryNetwork(
      { latencyMs: options.latencyMs ?? 1 },
      { clock: new HostClock({ time: this.time, wallMs: () => 0 }) },
    )
    this.one = new BenchHost('one', keys, this.time, this.network, options.one)
    this.two = new BenchHost(
      'two',
      options.twoIsReadOnly === true ? keysOf(readOnlySecret(secret)) : keys,
      this.time,
      this.network,
    )
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

export function keysOf(secret: string): FolderKeys {
  const keys = parseSecret(secret)
  if (typeof keys === 'string') throw new Error(keys)
  return keys
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
